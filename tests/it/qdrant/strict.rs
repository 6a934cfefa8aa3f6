//! Strict mode as Qdrant has it (1.18, `lib/collection/src/operations/verification`), in its words: what
//! is over a limit of the collection is refused.

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::{
    Condition, CountPoints, DeletePoints, Filter, GetPoints, QueryBatchPoints, ScrollPoints,
    StrictModeConfig, UpsertPoints,
};
use tonic::Status;

/// A request that strict mode looks at.
pub(crate) trait Checked {
    fn collection(&self) -> &str;

    /// `indexed`: whether a field of the payloads is.
    fn check(
        &self,
        strict: &StrictModeConfig,
        indexed: &dyn Fn(&str) -> bool,
    ) -> Result<(), Status>;
}

impl Checked for UpsertPoints {
    fn collection(&self) -> &str {
        &self.collection_name
    }

    fn check(&self, strict: &StrictModeConfig, _: &dyn Fn(&str) -> bool) -> Result<(), Status> {
        let count = self.points.len() as u64;
        within(count, strict.upsert_max_batchsize, "upsert limit")?;
        below_rate(count, strict.write_rate_limit, "Write")
    }
}

impl Checked for DeletePoints {
    fn collection(&self) -> &str {
        &self.collection_name
    }

    fn check(
        &self,
        strict: &StrictModeConfig,
        indexed: &dyn Fn(&str) -> bool,
    ) -> Result<(), Status> {
        match self.points.as_ref().and_then(|points| points.points_selector_one_of.as_ref()) {
            Some(PointsSelectorOneOf::Filter(filter)) => {
                let any = strict.unindexed_filtering_update != Some(false);
                filtered(Some(filter), strict, any, indexed)
            }
            Some(PointsSelectorOneOf::Points(list)) => {
                below_rate(list.ids.len() as u64, strict.write_rate_limit, "Write")
            }
            None => Ok(()),
        }
    }
}

impl Checked for GetPoints {
    fn collection(&self) -> &str {
        &self.collection_name
    }

    fn check(&self, strict: &StrictModeConfig, _: &dyn Fn(&str) -> bool) -> Result<(), Status> {
        below_rate(self.ids.len() as u64, strict.read_rate_limit, "Read")
    }
}

impl Checked for ScrollPoints {
    fn collection(&self) -> &str {
        &self.collection_name
    }

    fn check(
        &self,
        strict: &StrictModeConfig,
        indexed: &dyn Fn(&str) -> bool,
    ) -> Result<(), Status> {
        let limit = u64::from(self.limit.unwrap_or(10));
        within(limit, strict.max_query_limit.map(u64::from), "limit")?;
        reading(self.filter.as_ref(), strict, indexed)?;
        below_rate(1 + conditions(self.filter.as_ref()), strict.read_rate_limit, "Read")
    }
}

impl Checked for CountPoints {
    fn collection(&self) -> &str {
        &self.collection_name
    }

    fn check(
        &self,
        strict: &StrictModeConfig,
        indexed: &dyn Fn(&str) -> bool,
    ) -> Result<(), Status> {
        reading(self.filter.as_ref(), strict, indexed)?;
        if self.exact.unwrap_or(true) && strict.search_allow_exact == Some(false) {
            return Err(refused("Exact search disabled!. Help: Set exact=false."));
        }
        Ok(())
    }
}

impl Checked for QueryBatchPoints {
    fn collection(&self) -> &str {
        &self.collection_name
    }

    fn check(
        &self,
        strict: &StrictModeConfig,
        indexed: &dyn Fn(&str) -> bool,
    ) -> Result<(), Status> {
        let queries = self.query_points.len() as u64;
        within(queries, strict.search_max_batchsize, "search batch size")?;
        let mut cost = 0;
        for query in &self.query_points {
            within(query.limit.unwrap_or(10), strict.max_query_limit.map(u64::from), "limit")?;
            reading(query.filter.as_ref(), strict, indexed)?;
            cost += 1 + conditions(query.filter.as_ref());
        }
        below_rate(cost, strict.read_rate_limit, "Read")
    }
}

fn refused(description: &str) -> Status {
    Status::invalid_argument(format!("Bad request: {description}"))
}

fn within(value: u64, limit: Option<u64>, name: &str) -> Result<(), Status> {
    match limit {
        Some(limit) if value > limit => Err(refused(&format!(
            "Limit exceeded {value} > {limit} for \"{name}\". Help: Reduce the \"{name}\" parameter to or below {limit}."
        ))),
        _ => Ok(()),
    }
}

/// What no wait can help. What waiting helps, a step of the script plays.
fn below_rate(cost: u64, limit: Option<u32>, which: &str) -> Result<(), Status> {
    match limit {
        Some(limit) if cost > u64::from(limit) => Err(Status::resource_exhausted(format!(
            "Rate limiting exceeded: {which} rate limit exceeded, request larger than rate limiter capacity, please try to split your request"
        ))),
        _ => Ok(()),
    }
}

fn reading(
    filter: Option<&Filter>,
    strict: &StrictModeConfig,
    indexed: &dyn Fn(&str) -> bool,
) -> Result<(), Status> {
    filtered(filter, strict, strict.unindexed_filtering_retrieve != Some(false), indexed)
}

fn filtered(
    filter: Option<&Filter>,
    strict: &StrictModeConfig,
    any_field: bool,
    indexed: &dyn Fn(&str) -> bool,
) -> Result<(), Status> {
    let Some(filter) = filter else { return Ok(()) };
    let unindexed = all(filter).into_iter().filter_map(key).find(|key| !indexed(key));
    if let Some(key) = unindexed.filter(|_| !any_field) {
        return Err(refused(&format!("Index required but not found for \"{key}\"")));
    }
    let count = all(filter).len() as u64;
    if let Some(limit) = strict.filter_max_conditions.filter(|limit| count > *limit) {
        return Err(refused(&format!("Filter condition limit reached ({count} > {limit})")));
    }
    let size = all(filter).into_iter().map(values).max().unwrap_or_default() as u64;
    if let Some(limit) = strict.condition_max_size.filter(|limit| size > *limit) {
        return Err(refused(&format!("Condition size limit reached ({size} > {limit})")));
    }
    Ok(())
}

fn conditions(filter: Option<&Filter>) -> u64 {
    filter.map_or(0, |filter| all(filter).len() as u64)
}

/// The conditions that are made of no others.
fn all(filter: &Filter) -> Vec<&Condition> {
    let these = filter.must.iter().chain(&filter.must_not).chain(&filter.should);
    these
        .flat_map(|condition| match &condition.condition_one_of {
            Some(ConditionOneOf::Filter(inner)) => all(inner),
            _ => vec![condition],
        })
        .collect()
}

fn key(condition: &Condition) -> Option<&str> {
    match &condition.condition_one_of {
        Some(ConditionOneOf::Field(field)) => Some(&field.key),
        _ => None,
    }
}

fn values(condition: &Condition) -> usize {
    match &condition.condition_one_of {
        Some(ConditionOneOf::HasId(ids)) => ids.has_id.len(),
        Some(ConditionOneOf::Field(field)) => {
            match field.r#match.as_ref().and_then(|value| value.match_value.as_ref()) {
                Some(MatchValue::Keywords(words)) => words.strings.len(),
                _ => 0,
            }
        }
        _ => 0,
    }
}
