//! Points in one of docent's collections that another program has written.

/// How many there are, and the first few of them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ForeignPoints {
    pub count: u64,
    /// Ids of the first points, as Qdrant prints them: numbers or UUIDs.
    pub ids: Vec<String>,
}

impl ForeignPoints {
    /// Maximum number of ids listed.
    pub const NAMED: usize = 5;
}
