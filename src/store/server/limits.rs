//! The limits of a collection's strict mode, and how requests stay within them.
//!
//! The description of a collection, which is requested anyway, contains its limits. If they were changed
//! since, or belong to a successor by now, a refusal shows it: the limits are read again, and the request is
//! repeated within them. A filter of too many values becomes one of several conditions, each small enough;
//! what takes too many conditions is requested in parts, or filtered here. If something can't be done within
//! a limit, the error names the limit and what docent needs.

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::{
    CollectionInfo, Condition, Filter, HasIdCondition, Match, RepeatedStrings,
};

use super::wire::TERM;

/// What a collection allows; without strict mode, everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct StrictLimits {
    /// Points per upsert.
    pub(super) upsert: usize,
    /// Queries per request.
    pub(super) searches: usize,
    /// Points per answer.
    pub(super) page: usize,
    /// Conditions per filter.
    conditions: usize,
    /// Values per condition.
    values: usize,
    /// Whether points may be counted exactly.
    pub(super) exact: bool,
    /// Reads and writes per minute, in points and queries: no single request may be larger.
    pub(super) reads: usize,
    pub(super) writes: usize,
    /// Whether points may be deleted by their [term](TERM).
    terms: bool,
}

impl Default for StrictLimits {
    fn default() -> Self {
        const MOST: usize = usize::MAX;
        Self {
            upsert: MOST,
            searches: MOST,
            page: MOST,
            conditions: MOST,
            values: MOST,
            exact: true,
            reads: MOST,
            writes: MOST,
            terms: true,
        }
    }
}

/// A limit that is too low for a request, whatever its size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shortfall {
    /// Qdrant's name for it.
    pub(super) limit: &'static str,
    pub(super) allowed: usize,
    pub(super) needed: usize,
}

impl StrictLimits {
    pub(super) fn of(info: &CollectionInfo) -> Self {
        let strict = info.config.as_ref().and_then(|config| config.strict_mode_config.as_ref());
        let Some(strict) = strict.filter(|strict| strict.enabled == Some(true)) else {
            return Self::default();
        };
        let large = |limit: Option<u64>| {
            limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
        };
        let small = |limit: Option<u32>| large(limit.map(u64::from));
        Self {
            upsert: large(strict.upsert_max_batchsize),
            searches: large(strict.search_max_batchsize),
            page: small(strict.max_query_limit),
            conditions: large(strict.filter_max_conditions),
            values: large(strict.condition_max_size),
            exact: strict.search_allow_exact != Some(false),
            reads: small(strict.read_rate_limit),
            writes: small(strict.write_rate_limit),
            terms: strict.unindexed_filtering_update != Some(false)
                || info.payload_schema.contains_key(TERM),
        }
    }

    /// The same filter, with no condition larger than allowed.
    pub(super) fn fit(&self, filter: Filter) -> Result<Filter, Shortfall> {
        if (self.conditions, self.values, self.reads) == (usize::MAX, usize::MAX, usize::MAX) {
            return Ok(filter);
        }
        let filter = self.narrowed(filter)?;
        match conditions_in(&filter) {
            needed if needed > self.conditions() => Err(self.of_conditions(needed)),
            _ => Ok(filter),
        }
    }

    /// Each condition counts as one read, and so does the query itself.
    fn conditions(&self) -> usize {
        self.conditions.min(self.reads.saturating_sub(1))
    }

    fn of_conditions(&self, needed: usize) -> Shortfall {
        if self.conditions() < self.conditions {
            Shortfall { limit: "read_rate_limit", allowed: self.reads, needed: needed + 1 }
        } else {
            Shortfall { limit: "filter_max_conditions", allowed: self.conditions, needed }
        }
    }

    fn narrowed(&self, mut filter: Filter) -> Result<Filter, Shortfall> {
        for conditions in [&mut filter.must, &mut filter.must_not, &mut filter.should] {
            for condition in conditions.iter_mut() {
                *condition = self.split(std::mem::take(condition))?;
            }
        }
        Ok(filter)
    }

    /// One condition with many values is equivalent to several with parts of them, of which one must hold.
    fn split(&self, condition: Condition) -> Result<Condition, Shortfall> {
        let parts: Vec<Condition> = match condition.condition_one_of {
            Some(ConditionOneOf::Filter(filter)) => return self.narrowed(filter).map(Into::into),
            Some(ConditionOneOf::HasId(HasIdCondition { has_id }))
                if has_id.len() > self.values =>
            {
                has_id.chunks(self.size()?).map(|ids| Condition::has_id(ids.to_vec())).collect()
            }
            Some(ConditionOneOf::Field(field)) => match field.r#match {
                Some(Match {
                    match_value: Some(MatchValue::Keywords(RepeatedStrings { strings })),
                }) if strings.len() > self.values => {
                    let parts = strings.chunks(self.size()?);
                    parts.map(|part| Condition::matches(field.key.clone(), part.to_vec())).collect()
                }
                _ => return Ok(Condition { condition_one_of: Some(ConditionOneOf::Field(field)) }),
            },
            other => return Ok(Condition { condition_one_of: other }),
        };
        Ok(Filter::should(parts).into())
    }

    fn size(&self) -> Result<usize, Shortfall> {
        match self.values {
            0 => Err(Shortfall { limit: "condition_max_size", allowed: 0, needed: 1 }),
            size => Ok(size),
        }
    }

    /// Parts of `values` such that each fits a filter with this many other conditions.
    pub(super) fn parts<'v, T>(
        &self,
        values: &'v [T],
        besides: usize,
    ) -> Result<std::slice::Chunks<'v, T>, Shortfall> {
        match self.conditions().saturating_sub(besides) {
            0 => Err(self.of_conditions(besides + 1)),
            left => Ok(values.chunks(self.size()?.saturating_mul(left))),
        }
    }

    /// Points per upsert, at most `most`.
    pub(super) fn batch(&self, most: usize) -> Result<usize, Shortfall> {
        match self.upsert {
            0 => Err(Shortfall { limit: "upsert_max_batchsize", allowed: 0, needed: 1 }),
            upsert => Ok(most.min(upsert).min(self.writes).max(1)),
        }
    }

    /// Number of ids deleted together, at most `most`, and whether their terms may be filtered on.
    pub(super) fn deleted(&self, most: usize) -> (usize, bool) {
        let most = most.min(self.writes).max(1);
        if self.terms && self.conditions() >= 2 && self.values > 0 {
            (most.min(self.values), true)
        } else {
            (most, false)
        }
    }

    /// Whether one request deletes all that passes a filter, however much that is.
    pub(super) fn deletes_by_filter(&self) -> bool {
        self.terms && self.writes == usize::MAX
    }

    /// Queries per request, each with at most this many conditions.
    pub(super) fn queries(&self, conditions: usize) -> Result<usize, Shortfall> {
        match self.searches {
            0 => Err(Shortfall { limit: "search_max_batchsize", allowed: 0, needed: 1 }),
            searches => Ok(searches.min(self.reads / (conditions + 1)).max(1)),
        }
    }

    /// Points per answer, at most `most`.
    pub(super) fn paged(&self, most: usize) -> usize {
        most.min(self.page).max(1)
    }
}

/// Counted as Qdrant does: a nested condition counts as those that it contains.
pub(super) fn conditions_in(filter: &Filter) -> usize {
    let all = filter.must.iter().chain(&filter.must_not).chain(&filter.should);
    let count = |condition: &Condition| match &condition.condition_one_of {
        Some(ConditionOneOf::Filter(filter)) => conditions_in(filter),
        _ => 1,
    };
    all.map(count).sum()
}

/// Qdrant's words (1.16 to 1.18) for a request, or a collection, beyond a limit.
const OVER: [&str; 12] = [
    "Limit exceeded ",
    "condition limit reached",
    "Condition size limit reached",
    "Exact search disabled",
    "Index required but not found",
    "request larger than rate limiter capacity",
    "maximum number of payload indices",
    "Max points count limit",
    "Max vector storage size limit",
    "Max payload storage size limit",
    "Resident memory usage is at",
    "Disk usage is at",
];

/// Whether these words mean that the server refuses because of a limit.
pub(super) fn is_over(message: &str) -> bool {
    OVER.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use qdrant_client::qdrant::{CollectionConfig, PayloadSchemaInfo, StrictModeConfig};

    use super::*;
    use crate::store::server::wire;

    fn strict(strict: StrictModeConfig) -> CollectionInfo {
        let config =
            CollectionConfig { strict_mode_config: Some(strict), ..CollectionConfig::default() };
        CollectionInfo { config: Some(config), ..CollectionInfo::default() }
    }

    fn filtering(conditions: u64, values: u64) -> StrictLimits {
        StrictLimits::of(&strict(StrictModeConfig {
            enabled: Some(true),
            filter_max_conditions: Some(conditions),
            condition_max_size: Some(values),
            ..StrictModeConfig::default()
        }))
    }

    #[test]
    fn strict_mode_that_is_off_limits_nothing() {
        let config = StrictModeConfig { upsert_max_batchsize: Some(5), ..Default::default() };
        assert_eq!(StrictLimits::of(&strict(config.clone())), StrictLimits::default());
        let config = StrictModeConfig { enabled: Some(true), ..config };
        assert_eq!(StrictLimits::of(&strict(config)).batch(256), Ok(5));
    }

    #[test]
    fn batches_are_below_the_rate_of_a_minute() {
        let config = StrictModeConfig {
            enabled: Some(true),
            write_rate_limit: Some(20),
            read_rate_limit: Some(12),
            search_max_batchsize: Some(10),
            max_query_limit: Some(7),
            ..StrictModeConfig::default()
        };
        let limits = StrictLimits::of(&strict(config));
        assert_eq!((limits.batch(256), limits.deleted(512)), (Ok(20), (20, true)));
        assert_eq!(
            (limits.queries(0), limits.queries(3), limits.queries(50)),
            (Ok(10), Ok(3), Ok(1))
        );
        assert_eq!((limits.paged(100), limits.paged(3), limits.deletes_by_filter()), (7, 3, false));
    }

    #[test]
    fn conditions_of_many_values_become_several() {
        let sources: Vec<String> = (0..7).map(|n| format!("{n}.md")).collect();
        let filter = Filter::must([wire::record("chunk"), Condition::matches("source", sources)]);
        let fitted = filtering(10, 3).fit(filter.clone()).unwrap();
        assert_eq!(conditions_in(&fitted), 4);
        let Some(ConditionOneOf::Filter(any)) = &fitted.must[1].condition_one_of else { panic!() };
        assert_eq!((any.should.len(), any.must.len()), (3, 0));
        assert_eq!(filtering(10, 7).fit(filter.clone()), Ok(filter.clone()));
        let short = filtering(3, 3).fit(filter.clone()).unwrap_err();
        assert_eq!(short, Shortfall { limit: "filter_max_conditions", allowed: 3, needed: 4 });
        let short = StrictLimits { reads: 4, ..filtering(9, 3) }.fit(filter.clone()).unwrap_err();
        assert_eq!(short, Shortfall { limit: "read_rate_limit", allowed: 4, needed: 5 });
        let short = filtering(10, 0).fit(filter).unwrap_err();
        assert_eq!(short, Shortfall { limit: "condition_max_size", allowed: 0, needed: 1 });
    }

    #[test]
    fn values_go_in_parts_where_there_is_room_for_some() {
        let limits = filtering(4, 3);
        let parts: Vec<_> = limits.parts(&[1, 2, 3, 4, 5, 6, 7], 2).unwrap().collect();
        assert_eq!(parts, [&[1, 2, 3, 4, 5, 6][..], &[7]]);
        let short = limits.parts(&[1], 4).unwrap_err();
        assert_eq!(short, Shortfall { limit: "filter_max_conditions", allowed: 4, needed: 5 });
    }

    #[test]
    fn terms_are_filtered_on_where_that_is_allowed() {
        let config = StrictModeConfig {
            enabled: Some(true),
            unindexed_filtering_update: Some(false),
            ..StrictModeConfig::default()
        };
        let mut info = strict(config);
        assert_eq!(StrictLimits::of(&info).deleted(512), (512, false));
        info.payload_schema.insert(TERM.to_owned(), PayloadSchemaInfo::default());
        assert_eq!(StrictLimits::of(&info).deleted(512), (512, true));
        assert_eq!(filtering(1, 9).deleted(512), (512, false));
    }
}
