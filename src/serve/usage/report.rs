//! `GET /v1/docent/usage`: usage of each key.

use std::collections::BTreeMap;

use axum::response::Response;
use chrono::{Datelike as _, NaiveDate, Utc};
use schemars::JsonSchema;
use schemars::r#gen::SchemaGenerator;
use schemars::schema::{InstanceType, Schema, SchemaObject};
use serde::{Deserialize, Serialize};

use super::UsedAmounts;
use crate::output::Versioned;
use crate::serve::call::AdmittedRequest;
use crate::serve::native::json;
use crate::serve::openapi::ApiOperation;
use crate::serve::refusal::RequestRefusal;
use crate::serve::request::query;

/// Usage of each key.
#[derive(Serialize, JsonSchema)]
pub struct UsageResponse {
    /// The first day of the report, in UTC.
    #[schemars(schema_with = "date")]
    from: NaiveDate,
    /// The last day of the report.
    #[schemars(schema_with = "date")]
    to: NaiveDate,
    /// A row for each day and key.
    days: Vec<DayRow>,
    /// A row for each key.
    total: Vec<KeyRow>,
}

fn date(_: &mut SchemaGenerator) -> Schema {
    Schema::Object(SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some("date".to_owned()),
        ..SchemaObject::default()
    })
}

/// Usage of a key on one day.
#[derive(Serialize, JsonSchema)]
struct DayRow {
    #[schemars(schema_with = "date")]
    day: NaiveDate,
    #[serde(flatten)]
    row: KeyRow,
}

/// Usage of a key over the whole time.
#[derive(Serialize, JsonSchema, Clone)]
struct KeyRow {
    /// Name of the key.
    key: String,
    #[serde(flatten)]
    used: UsedAmounts,
}

/// Which days and keys to report.
#[derive(Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct UsageQuery {
    /// The first day, in UTC; by default the first of this month.
    #[serde(default)]
    #[schemars(schema_with = "date")]
    from: Option<String>,
    /// The last day; by default today.
    #[serde(default)]
    #[schemars(schema_with = "date")]
    to: Option<String>,
    /// Name of a key; by default all keys.
    key: Option<String>,
}

pub(in crate::serve) fn described(operation: ApiOperation<'_>) -> ApiOperation<'_> {
    operation
        .named("getUsage", "Usage of each key by day")
        .asks::<UsageQuery>()
        .answers::<Versioned<UsageResponse>>()
}

/// `GET /v1/docent/usage?from=2030-01-01&to=2030-01-31&key=NAME`: usage of each key, by default in this
/// month.
pub(in crate::serve) fn usage(call: &AdmittedRequest) -> Result<Response, RequestRefusal> {
    let UsageQuery { from, to, key } = query(&call.query)?;
    let date = |name: &str, text: Option<String>| {
        let date = text.map(|text| {
            // The parser would also accept other spellings of a date.
            let date = text.parse::<NaiveDate>().ok();
            date.filter(|date| date.to_string() == text).ok_or(())
        });
        date.transpose().map_err(|()| {
            RequestRefusal::invalid(name, format!("`{name}` must be a date, such as 2030-01-31"))
                .hint("days are in UTC")
        })
    };
    let today = Utc::now().date_naive();
    let first = today.with_day(1).unwrap_or(today);
    let (from, to) = (date("from", from)?.unwrap_or(first), date("to", to)?.unwrap_or(today));
    let mut days = Vec::new();
    let mut total: BTreeMap<String, UsedAmounts> = BTreeMap::new();
    let all = call.server.observers.usage.book().all();
    for (day, keys) in all.iter().filter(|(day, _)| (from..=to).contains(*day)) {
        for (name, used) in
            keys.iter().filter(|(name, _)| key.as_ref().is_none_or(|key| key == *name))
        {
            days.push(DayRow { day: *day, row: KeyRow { key: name.clone(), used: *used } });
            let sum = total.entry(name.clone()).or_default();
            *sum = *sum + *used;
        }
    }
    let total = total.into_iter().map(|(key, used)| KeyRow { key, used }).collect();
    Ok(json(&Versioned::new(UsageResponse { from, to, days, total })))
}
