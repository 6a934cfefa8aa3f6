"""One file for each tool that is compared.

It imports none of them: what one tool's program imports is measured.
"""
