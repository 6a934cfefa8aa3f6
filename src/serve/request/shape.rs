//! Checks a value against the schema of the type that it is read as, the same that `/openapi.json` shows.
//! So every error of a caller is reported with its place, and in words.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use schemars::JsonSchema;
use schemars::r#gen::SchemaSettings;
use schemars::schema::SchemaObject;
use schemars::visit::{Visitor, visit_schema_object};
use serde_json::{Map, Value};

use super::words::{got, words};

/// The schema of a type.
pub(super) struct ValueShape {
    root: Value,
    members: Vec<String>,
}

/// The settings for the schemas of requests and responses.
pub(in crate::serve) fn settings() -> SchemaSettings {
    SchemaSettings::draft2019_09().with_visitor(Bounded)
}

/// Adds the maximum to the schema of bounded integer types.
#[derive(Clone, Debug)]
struct Bounded;

impl Visitor for Bounded {
    fn visit_schema_object(&mut self, schema: &mut SchemaObject) {
        if schema.format.as_deref() == Some("uint32") {
            schema.number().maximum.get_or_insert(u32::MAX.into());
        }
        visit_schema_object(self, schema);
    }
}

/// There are few, and each is made once.
static SHAPES: LazyLock<RwLock<HashMap<TypeId, &'static ValueShape>>> =
    LazyLock::new(RwLock::default);

/// A step into a value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    Item(usize),
    Member(String),
    /// After everything in the value.
    End,
}

/// What is wrong with a value.
#[derive(PartialEq, Debug)]
pub(super) struct ShapeError {
    at: Vec<Step>,
    /// The value as a whole is wrong, such as the length of a list; its content was checked before, and
    /// fits.
    is_whole: bool,
    pub(super) problem: ShapeProblem,
}

#[derive(PartialEq, Debug)]
pub(super) enum ShapeProblem {
    /// The value is something other than these.
    Other { wanted: Vec<String>, got: String },
    /// The value lacks a required member.
    Missing { wanted: String },
    /// No member has this name.
    Unknown { known: Vec<String> },
}

impl ValueShape {
    pub(super) fn of<T: JsonSchema + 'static>() -> &'static Self {
        let id = TypeId::of::<T>();
        let known = SHAPES.read().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        known.unwrap_or_else(|| {
            let shape = Box::leak(Box::new(Self::made::<T>()));
            SHAPES.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(shape)
        })
    }

    fn made<T: JsonSchema>() -> Self {
        let schema = settings().into_generator().into_root_schema_for::<T>();
        // A schema has string keys only, so it always is a JSON value.
        Self::over(serde_json::to_value(schema).unwrap_or_default())
    }

    /// The shape of a given schema.
    pub(super) fn over(root: Value) -> Self {
        let members = root["properties"].as_object();
        let members = members.map(|members| members.keys().cloned().collect()).unwrap_or_default();
        Self { root, members }
    }

    /// Names of the members that an object of this type may have.
    pub(super) fn members(&self) -> &[String] {
        &self.members
    }

    /// The schema of a member.
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.root["properties"].get(name).map(|schema| self.resolved(schema))
    }

    pub(super) fn check(&self, value: &Value) -> Result<(), ShapeError> {
        self.follow(&self.root, value, &mut Vec::new())
    }

    /// Follows the references of a schema.
    pub(super) fn resolved<'a>(&'a self, mut schema: &'a Value) -> &'a Value {
        loop {
            let of_all = schema["allOf"].as_array().filter(|all| all.len() == 1);
            let reference = schema["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
            schema = match (reference.and_then(|to| self.root.pointer(to)), of_all) {
                (Some(found), _) => found,
                // A reference with a description of its own.
                (None, Some(all)) => &all[0],
                (None, None) => return schema,
            };
        }
    }

    /// The permitted values, if a schema lists them.
    pub(super) fn listed(&self, schema: &Value) -> Option<Vec<Value>> {
        let schema = self.resolved(schema);
        if let Some(values) = schema["enum"].as_array() {
            return Some(values.clone());
        }
        // If values are described, each is in a list of its own.
        let branches = schema["oneOf"].as_array()?;
        branches
            .iter()
            .map(|branch| self.listed(branch))
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat())
    }

    fn follow(&self, schema: &Value, value: &Value, at: &mut Vec<Step>) -> Result<(), ShapeError> {
        let schema = self.resolved(schema);
        let wrong = |at: &[Step], is_whole| {
            let wanted = vec![words(self, schema)];
            let problem = ShapeProblem::Other { wanted, got: got(self, schema, value) };
            ShapeError { at: at.to_vec(), is_whole, problem }
        };
        if let Some(values) = self.listed(schema) {
            return if values.contains(value) { Ok(()) } else { Err(wrong(at, false)) };
        }
        for several in ["anyOf", "oneOf"] {
            if let Some(branches) = schema[several].as_array() {
                return self.follow_one(branches, value, at);
            }
        }
        if !fits(schema, value) {
            return Err(wrong(at, false));
        }
        match value {
            Value::Object(members) => self.follow_members(schema, members, at),
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    at.push(Step::Item(number));
                    self.follow(&schema["items"], item, at)?;
                    at.pop();
                }
                let has_room = within(schema, "minItems", items.len() as f64, "maxItems");
                if has_room { Ok(()) } else { Err(wrong(at, true)) }
            }
            _ => Ok(()),
        }
    }

    fn follow_members(
        &self,
        schema: &Value,
        members: &Map<String, Value>,
        at: &mut Vec<Step>,
    ) -> Result<(), ShapeError> {
        let empty = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&empty);
        if schema["additionalProperties"] == false
            && let Some(unknown) = members.keys().find(|name| !known.contains_key(*name))
        {
            at.push(Step::Member(unknown.clone()));
            let problem = ShapeProblem::Unknown { known: known.keys().cloned().collect() };
            return Err(ShapeError { at: std::mem::take(at), is_whole: false, problem });
        }
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut required = required.iter().filter_map(Value::as_str);
        if let Some(missing) = required.find(|name| !members.contains_key(*name)) {
            return Err(self.missing(known.get(missing), missing, at));
        }
        for (name, value) in members {
            let Some(schema) = known.get(name) else { continue };
            at.push(Step::Member(name.clone()));
            self.follow(schema, value, at)?;
            at.pop();
        }
        Ok(())
    }

    fn missing(&self, schema: Option<&Value>, name: &str, at: &[Step]) -> ShapeError {
        let wanted = schema.map(|schema| words(self, self.resolved(schema))).unwrap_or_default();
        let at = [at, &[Step::Member(name.to_owned())]].concat();
        ShapeError { at, is_whole: false, problem: ShapeProblem::Missing { wanted } }
    }

    /// One of the branches must fit. If none does, the error is that of the branch that got furthest.
    fn follow_one(&self, branches: &[Value], value: &Value, at: &[Step]) -> Result<(), ShapeError> {
        let mut furthest: Option<ShapeError> = None;
        for branch in self.meant(branches, value, at)? {
            let Err(wrong) = self.follow(branch, value, &mut at.to_vec()) else { return Ok(()) };
            furthest = Some(match furthest {
                None => wrong,
                Some(other) => other.or(wrong),
            });
        }
        furthest.map_or(Ok(()), Err)
    }

    /// The branches that an object may match: if it has a `type`, those with this type.
    fn meant<'a>(
        &'a self,
        branches: &'a [Value],
        value: &Value,
        at: &[Step],
    ) -> Result<Vec<&'a Value>, ShapeError> {
        let all: Vec<&Value> = branches.iter().map(|branch| self.resolved(branch)).collect();
        let types = |branch: &&Value| self.listed(&branch["properties"]["type"]);
        let known: Vec<Value> = all.iter().filter_map(types).flatten().collect();
        let (Value::Object(members), false) = (value, known.is_empty()) else { return Ok(all) };
        let said = members.get("type");
        let exact = |branch: &&&Value| {
            types(branch).is_some_and(|it| said.is_some_and(|said| it.contains(said)))
        };
        let found: Vec<&Value> = all.iter().filter(exact).copied().collect();
        let open = all.iter().filter(|branch| {
            types(branch).is_none() && (branch["type"] == "object" || branch.is_boolean())
        });
        let found = if found.is_empty() { open.copied().collect() } else { found };
        if !found.is_empty() {
            return Ok(found);
        }
        let schema = serde_json::json!({ "enum": known });
        let Some(said) = said else { return Err(self.missing(Some(&schema), "type", at)) };
        let problem = ShapeProblem::Other {
            wanted: vec![words(self, &schema)],
            got: got(self, &schema, said),
        };
        let at = [at, &[Step::Member("type".to_owned())]].concat();
        Err(ShapeError { at, is_whole: false, problem })
    }
}

/// Whether a value has the type of a schema and is within its limits; its content and length are not
/// checked.
fn fits(schema: &Value, value: &Value) -> bool {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "number" || (name == "integer" && !number.is_f64()),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    let is_typed = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => *schema != false,
    };
    is_typed
        && match value {
            Value::Number(number) => {
                within(schema, "minimum", number.as_f64().unwrap_or(f64::NAN), "maximum")
            }
            Value::String(text) if !schema["maxLength"].is_null() => {
                within(schema, "minLength", text.chars().count() as f64, "maxLength")
            }
            _ => true,
        }
}

fn within(schema: &Value, low: &str, amount: f64, high: &str) -> bool {
    let limit = |name: &str| schema[name].as_f64();
    limit(low).is_none_or(|low| amount >= low) && limit(high).is_none_or(|high| amount <= high)
}

impl ShapeError {
    /// Of two errors, the one that got further; at equal distance, the value matches neither.
    fn or(mut self, other: Self) -> Self {
        match self.reach().cmp(&other.reach()) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Equal => {
                if let (
                    ShapeProblem::Other { wanted, .. },
                    ShapeProblem::Other { wanted: more, .. },
                ) = (&mut self.problem, other.problem)
                {
                    wanted.extend(more);
                }
                self
            }
        }
    }

    /// How far the value is right.
    fn reach(&self) -> Vec<Step> {
        [&self.at[..], if self.is_whole { &[Step::End] } else { &[] }].concat()
    }

    /// `tools[0].filters.type`; empty for the whole value.
    pub(super) fn place(&self, within: &str) -> String {
        let mut place = within.to_owned();
        for step in &self.at {
            match step {
                Step::End => {}
                Step::Item(number) => place.push_str(&format!("[{number}]")),
                Step::Member(name) if place.is_empty() => place.push_str(name),
                Step::Member(name) => place.push_str(&format!(".{name}")),
            }
        }
        place
    }
}
