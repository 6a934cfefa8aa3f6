//! The owner of a collection on a server, and of the documents in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Site;

/// The projects that ingest documents into a collection. A project may be checked out in one place or in
/// many; it is identified by a unique name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Ownership {
    /// The project that created or adopted it; `None` where it was created before collections had owners, and
    /// in a data directory, which belongs to the project anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Projects that it was taken over from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<String>,
    /// Projects that ingest documents in addition to its owner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guests: Vec<GuestProject>,
}

/// A project that ingests documents into a collection of another project, and the inputs that it keeps in
/// sync there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Guest")]
pub struct GuestProject {
    pub project: String,
    /// As in [`super::Manifest::roots`].
    #[serde(default)]
    pub roots: Vec<String>,
    #[serde(default)]
    pub sites: Vec<Site>,
}

impl Ownership {
    pub fn of(project: &str) -> Self {
        Self { project: Some(project.to_owned()), ..Self::default() }
    }

    /// Whether nothing is known of the owner.
    pub fn is_nobodys(&self) -> bool {
        *self == Self::default()
    }

    pub fn is_owner(&self, project: &str) -> bool {
        self.project.as_deref() == Some(project)
    }

    pub fn is_guest(&self, project: &str) -> bool {
        self.guests.iter().any(|guest| guest.project == project)
    }

    /// Whether the project may change a record that says it was ingested by `by`. Records that don't say, or
    /// that name a former owner of the collection, belong to the owner.
    pub fn is_of(&self, project: &str, by: Option<&str>) -> bool {
        match by {
            Some(by) if by == project => true,
            Some(by) => self.is_owner(project) && self.formerly.iter().any(|it| it == by),
            None => self.is_owner(project),
        }
    }

    /// Whether a version with this ownership may be removed when one with `other` replaces it.
    pub fn may_give_way_to(&self, other: &Self) -> bool {
        match &self.project {
            None => true,
            Some(project) => {
                other.is_owner(project) || other.formerly.iter().any(|it| it == project)
            }
        }
    }

    /// Makes the project the owner, taking the collection over from the former owner.
    pub fn take_over(&mut self, project: &str) {
        let former = self.project.replace(project.to_owned());
        self.guests.retain(|guest| guest.project != project);
        self.formerly.extend(former.filter(|former| former != project));
        self.formerly.retain(|former| former != project);
        self.formerly.sort_unstable();
        self.formerly.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_belongs_to_one_project() {
        let mut shared = Ownership::of("a");
        shared.guests.push(GuestProject { project: "b".to_owned(), ..GuestProject::default() });
        for by in [None, Some("a"), Some("b"), Some("c")] {
            let whose: Vec<&str> =
                ["a", "b", "c"].into_iter().filter(|it| shared.is_of(it, by)).collect();
            assert_eq!(whose, [by.unwrap_or("a")], "{by:?}");
        }
        shared.take_over("b");
        assert!(shared.is_of("b", Some("a")) && shared.is_of("b", None) && !shared.is_guest("b"));
        assert_eq!(shared.formerly, ["a"]);
        shared.take_over("b");
        assert_eq!(shared.formerly, ["a"], "twice is once");
    }

    #[test]
    fn a_version_gives_way_to_one_of_the_same_owner() {
        let (a, b) = (Ownership::of("a"), Ownership::of("b"));
        assert!(a.may_give_way_to(&a) && !a.may_give_way_to(&b));
        assert!(!a.may_give_way_to(&Ownership::default()));
        assert!(Ownership::default().may_give_way_to(&a), "made before there were owners");
        let mut taken = a.clone();
        taken.take_over("b");
        assert!(a.may_give_way_to(&taken));
    }
}
