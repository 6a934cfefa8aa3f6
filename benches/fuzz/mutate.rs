//! Random damage.

/// No input becomes longer, in bytes.
pub(crate) const LONGEST: usize = 64 << 10;

/// Numbers that parsers trip over.
const NUMBERS: [&str; 12] = [
    "0",
    "-1",
    "1",
    "255",
    "65536",
    "2147483647",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "99999999999999999999",
    "1e309",
    "-0.000001",
];

/// Numbers that look random and are the same for the same seed (xorshift64*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        bits as usize % bound.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Small numbers are more frequent.
    fn length(&mut self, most: usize) -> usize {
        let scale = self.below(usize::BITS as usize - most.leading_zeros() as usize) + 1;
        self.below((1usize << scale).min(most + 1))
    }
}

/// A few pieces of damage in a row. `other`: what pieces are taken from.
pub(crate) fn bytes(one: &[u8], other: &[u8], words: &[&str], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = one.to_vec();
    for _ in 0..=dice.length(7) {
        damage(&mut bytes, other, words, dice);
        bytes.truncate(LONGEST);
    }
    bytes
}

fn damage(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let length = dice.length(bytes.len() - at);
    match dice.below(12) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 if at < bytes.len() => bytes[at] = dice.below(256) as u8,
        2 => drop(bytes.drain(at..at + length)),
        3 => bytes.truncate(at),
        4 => {
            let piece = bytes[at..at + length].to_vec();
            insert(bytes, at, &piece);
        }
        5 => {
            // Nests deeply what is nested a little.
            let piece = bytes[at..at + length.min(64)].to_vec();
            insert(bytes, at, &piece.repeat(dice.length(20_000) / piece.len().max(1)));
        }
        6 => {
            let from = dice.below(other.len() + 1);
            let length = dice.length(other.len() - from);
            insert(bytes, at, &other[from..from + length]);
        }
        7 => number(bytes, at, dice),
        8 => {
            let word = dice.pick(words).as_bytes();
            insert(bytes, at, &word.repeat(dice.length(5_000).max(1)));
        }
        9 => {
            let to = dice.below(bytes.len() + 1);
            let piece: Vec<u8> = bytes.drain(at..at + length).collect();
            insert(bytes, to.min(bytes.len()), &piece);
        }
        _ => insert(bytes, at, dice.pick(words).as_bytes()),
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let room = LONGEST.saturating_sub(bytes.len());
    drop(bytes.splice(at..at, piece[..piece.len().min(room)].iter().copied()));
}

/// Changes the next number.
fn number(bytes: &mut Vec<u8>, at: usize, dice: &mut Dice) {
    let is_digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[at..].iter().position(is_digit).map(|offset| at + offset) else {
        return;
    };
    let length = bytes[start..].iter().take_while(|byte| is_digit(byte)).count();
    drop(bytes.splice(start..start + length, dice.pick(&NUMBERS).bytes()));
}
