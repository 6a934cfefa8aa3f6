//! Points in a collection of docent's that another program has written.

/// How many there are, and some of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ForeignPoints {
    pub count: u64,
    /// Ids of the first of them, as Qdrant prints them: numbers or UUIDs.
    pub ids: Vec<String>,
}

impl ForeignPoints {
    /// How many are named.
    pub const NAMED: usize = 5;
}
