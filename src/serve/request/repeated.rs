//! Finds members that appear twice in a JSON object: most readers take the last, some the first, so the
//! sender may be misunderstood.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::serve::refusal::RequestRefusal;

/// # Errors
/// A member of an object appears twice. Invalid JSON is not an error here.
pub(in crate::serve) fn reject_repeated_members(json: &[u8]) -> Result<(), RequestRefusal> {
    let mut place = String::new();
    let mut found = false;
    let scan = Scan { place: &mut place, found: &mut found };
    let scanned = scan.deserialize(&mut serde_json::Deserializer::from_slice(json));
    if scanned.is_ok() || !found {
        return Ok(());
    }
    let problem = format!("`{place}` appears more than once");
    Err(RequestRefusal::invalid(place, problem).hint("send it once"))
}

/// Reads a value without keeping it.
struct Scan<'a> {
    /// The place of the value: `tools[0].filters`.
    place: &'a mut String,
    found: &'a mut bool,
}

impl Scan<'_> {
    /// Reads a member or an item. If something was found, the place stays as it is.
    fn step<E>(
        &mut self,
        step: &str,
        read: impl FnOnce(Scan<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let here = self.place.len();
        self.place.push_str(step);
        read(Scan { place: &mut *self.place, found: &mut *self.found })?;
        self.place.truncate(here);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            let dot = if self.place.is_empty() { "" } else { "." };
            let step = format!("{dot}{name}");
            let is_new = names.insert(name);
            self.step(&step, |member| {
                if !is_new {
                    *member.found = true;
                    return Err(A::Error::custom("appears more than once"));
                }
                members.next_value_seed(member)
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        for number in 0_usize.. {
            let mut is_there = false;
            self.step::<A::Error>(&format!("[{number}]"), |item| {
                is_there = items.next_element_seed(item)?.is_some();
                Ok(())
            })?;
            if !is_there {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_twice_is_named_with_its_place() {
        for (json, place) in [
            (r#"{"k":1,"k":2}"#, "k"),
            (r#"{"k":1,"a":[0,{"b":null},{"b":{"c":1,"c":1}}]}"#, "a[2].b.c"),
            (r#"{"k":1,"\u006b":true}"#, "k"),
            (r#"[[{"x":1.5,"x":"y"}]]"#, "[0][0].x"),
        ] {
            let refusal = reject_repeated_members(json.as_bytes()).err();
            let said = refusal.map(|refusal| (refusal.param.into_string(), refusal.message));
            let message = format!("`{place}` appears more than once");
            assert_eq!(said, Some((place.to_owned(), message)), "{json}");
        }
        for json in [r#"{"a":{"k":1},"b":[{"k":1},{"k":1}],"k":-1}"#, "{", "7", "", r#"{"k":1,"#] {
            assert_eq!(reject_repeated_members(json.as_bytes()), Ok(()), "{json}");
        }
    }
}
