#!/usr/bin/env python3
"""Scans of paper, read by OCR, against what a person reads on them: real.py DIR BINARY. See README.md."""
import glob
import hashlib
import os
import resource
import shutil
import sys
from collections import Counter

os.environ.setdefault("OCR", "auto")
from measure import docent, words

# By the beginning of the SHA-1 of the file. Of the last one, the first column down to "Borrower".
TEXTS = {
    "f8f43e06459c": """THE SLEREXE COMPANY LIMITED SAPORS LANE - BOOLE - DORSET - BH 25 8 ER TELEPHONE BOOLE (945 13) 51617 - TELEX 123456
Our Ref. 350/PJC/EAC 18th January, 1972. Dr. P.N. Cundall, Mining Surveys Ltd., Holroyd Road, Reading, Berks. Dear Pete,
Permit me to introduce you to the facility of facsimile transmission. In facsimile a photocell is caused to perform a raster scan over
the subject copy. The variations of print density on the document cause the photocell to generate an analogous electrical video signal.
This signal is used to modulate a carrier, which is transmitted to a remote destination over a radio or cable communications link.
At the remote terminal, demodulation reconstructs the video signal, which is used to modulate the density of print produced by a
printing device. This device is scanning in a raster scan synchronised with that at the transmitting terminal. As a result, a facsimile
copy of the subject document is produced. Probably you have uses for this facility in your organisation. Yours sincerely,
P.J. CROSS Group Leader - Facsimile Research Registered in England: No. 2038 No. 1 Registered Office: 60 Vicara Lane, Ilford. Essex.""",
    "a236eface13e": """Integrative Health and Sports Performance 2955 Exchange Place Blvd, Suite 103 Miamisburg, OH 45342 Telephone: 937-433-0909
Name: Patient ID: DOB: Sex: Male Ethnicity: White Height: 68.0 in Weight: 165.0 lb Age: 31 Referring Physician: Dr Curry
Scan Information: Scan Date: January 29, 2016 ID: A01291605 Scan Type: a Whole Body Analysis: January 29, 2016 13:41 Version 13.3:3
Auto Whole Body Fan Beam Operator: Model: Discovery A (S/N 80379) Comment: DXA Results Summary: Region Area (cm2) BMC (g) BMD (g/cm2)
T - score Z - score L Arm 197.82 159.60 0.807 R Arm 211.89 169.76 0.801 L Ribs 143.14 98.66 0.689 R Ribs 134.29 95.97 0.715
T Spine 148.77 130.68 0.878 L Spine 47.04 54.62 1.161 Pelvis 240.04 307.24 1.280 L Leg 376.74 485.63 1.289 R Leg 396.85 494.30 1.246
Subtotal 1896.58 1996.46 1.053 Head 234.81 458.87 1.954 Total 2131.39 2455.33 1.152 -0.5 Total BMD CV 1.0%, ACF = 1.033, BCF = 0.999
Image not for diagnostic use k = 1.180, d0 = 45.8 327 x 150 DAP: 13.1 cGy*cm2 Total Comment: Age BMD
T-score vs. White Male; Z-score vs. White Male. Source:2008 NHANES White Male HOLOGIC""",
    "6ec47335fc11": """PART B - Terms and conditions of Loans secured by Mortgage Bonds over freehold property 1 DEFINITIONS
"AccessBond Facility" means a revolving Loan facility which is governed by the requirements of clause 5 of this Part B, and in terms of
which you can transfer funds to or from your Loan Account to any of your Transaction Accounts using any of our self-service channels;
"Agreed Term" means the initial term of the Loan referred to under "Initial term of the Loan" in Part A or such other term agreed to by
us in writing; "Agreement" means the pre-agreement statement and quotation/cost of credit section (Part A) of this agreement, attached to
and read together with these terms and conditions (Part B) and all letters and notices relating to same; "Bank", "we", "us" "our" or
"Standard Bank" means The Standard Bank of South Africa (Registration number 1962/000738/06) and/or its successors in title or assigns;
"Base Rate" means our latest published annual variable home loans interest rate; "Bond" or "Mortgage Bond" means the continuing covering
mortgage bond(s) registered, or to be registered, in our favour in respect of the Property/ies; "Borrower", "you" or "your" means the
person/s described as the Borrower/s in Part A of this Agreement;""",
}


def main(corpus, binary):
    scans = os.path.abspath("out/real")
    shutil.rmtree(scans, ignore_errors=True)
    os.makedirs(scans)
    expected = {}
    for path in glob.glob(f"{corpus}/**/*.[pP][dD][fF]", recursive=True):
        with open(path, "rb") as file:
            digest = hashlib.sha1(file.read()).hexdigest()[:12]
        if digest in TEXTS:
            expected[shutil.copy(path, f"{scans}/{digest}.pdf")] = Counter(words(TEXTS[digest]))
    found = dict(docent(os.path.abspath(binary), scans, f"{scans}-home"))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    for path, reference in sorted(expected.items()):
        text = Counter(words(found.get(path, "")))
        both = (reference & text).total()
        print(f"{os.path.basename(path)}: recall {both / reference.total():.3f} of {reference.total()} words, "
              f"precision {both / max(1, text.total()):.3f}; lost {' '.join(list((reference - text))[:20])}")
    print(f"{(used.ru_utime + used.ru_stime) / max(1, len(expected)):.1f} s of processor time a page, {used.ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main(*sys.argv[1:])
