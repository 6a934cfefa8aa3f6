//! What `qdrant-edge` names of `cgroups-rs`, with nothing behind it: see `unused/README.md`.

/// Control groups through their file system.
pub mod fs {
    use std::convert::Infallible;

    /// A control group.
    pub struct Cgroup;

    impl Cgroup {
        /// Reads nothing.
        pub fn load(_: hierarchies::NoHierarchy, _: &str) -> Self {
            Self
        }

        /// There is never a controller.
        pub fn controller_of<T>(&self) -> Option<&T> {
            None
        }
    }

    /// Where control groups are.
    pub mod hierarchies {
        /// Nowhere.
        pub struct NoHierarchy;

        /// The hierarchy of this system.
        pub fn auto() -> NoHierarchy {
            NoHierarchy
        }
    }

    /// The controller of memory.
    pub mod memory {
        use super::Infallible;

        /// There is none.
        #[derive(Clone, Debug)]
        pub struct MemController(Infallible);

        impl MemController {
            /// The memory that a control group uses.
            pub fn memory_stat(&self) -> Memory {
                match self.0 {}
            }
        }

        /// The memory that a control group uses, in bytes.
        pub struct Memory {
            pub limit_in_bytes: i64,
            pub usage_in_bytes: u64,
        }
    }
}
