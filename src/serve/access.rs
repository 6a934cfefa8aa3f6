//! Decides who is asking and what they may see: the only place that does.
//!
//! A handler has no engine. It has a [`Caller`], and gets from it a [`Scoped`] engine whose every question
//! carries the key's filter. So no handler can return what a key may not see.

mod scoped;

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(super) use scoped::{Scoped, VisibleScope};

use super::bucket::Bucket;
use super::credentials::{key_of, unknown_key};
use super::keys::{ApiKey, KeyRight, Secret, WatchedKeys};
use super::refusal::{ErrorCode, RequestRefusal};
use super::unpriced;
use crate::service::Engine;
use crate::types::{Usage, collection_of_tenant};

/// The served collections, and who may ask them.
pub(super) struct Access {
    engines: BTreeMap<String, Arc<Engine>>,
    /// The collection of a request that names none.
    main: String,
    /// `None`: anyone who reaches the server may do everything. That is the case as long as there was never
    /// a file.
    keys: Option<WatchedKeys>,
    /// By the id of the key.
    uses: Mutex<HashMap<String, Arc<Use>>>,
}

/// The current usage of a key.
struct Use {
    requests: Mutex<Option<Bucket>>,
    tokens: Mutex<Option<Bucket>>,
    /// The semaphore, and the limit that it was made for.
    questions: Option<(NonZeroU32, Arc<Semaphore>)>,
}

/// The sender of a request, admitted for the right that its route needs.
#[derive(Clone)]
pub(super) struct Caller {
    access: Arc<Access>,
    key: Option<Arc<ApiKey>>,
    usage: Option<Arc<Use>>,
    is_owner: bool,
}

/// The result of admitting a request.
pub(super) struct AccessDecision {
    pub(super) caller: Result<Caller, RequestRefusal>,
    /// Name of the key, even if it may not do this.
    pub(super) key: Option<String>,
    /// What is left of its limits per minute, if it has any.
    pub(super) left: Vec<(HeaderName, HeaderValue)>,
}

impl Access {
    /// `engines`: by collection, the default one first.
    ///
    /// # Panics
    /// `engines` is empty.
    pub(super) fn new(engines: Vec<(String, Arc<Engine>)>, keys: Option<WatchedKeys>) -> Self {
        let main = engines[0].0.clone();
        Self { engines: engines.into_iter().collect(), main, keys, uses: Mutex::default() }
    }

    pub(super) fn needs_keys(&self) -> bool {
        self.keys.as_ref().is_some_and(WatchedKeys::are_needed)
    }

    /// News about the file of keys for the operator of the server, reported once.
    pub(super) fn news_of_keys(&self) -> Option<String> {
        self.keys.as_ref().and_then(WatchedKeys::news)
    }

    /// All collections, regardless of who may see them.
    pub(super) fn engines(&self) -> impl Iterator<Item = (&str, &Arc<Engine>)> {
        self.engines.iter().map(|(name, engine)| (&**name, engine))
    }

    /// Admits a request for a right, and counts it. Fails if there is no key, or the key is unknown or
    /// expired, lacks the right, or asks too often.
    pub(super) fn enter(self: &Arc<Self>, headers: &HeaderMap, right: KeyRight) -> AccessDecision {
        let Some(keys) = self.keys.as_ref().and_then(WatchedKeys::keys) else {
            let caller =
                Caller { access: Arc::clone(self), key: None, usage: None, is_owner: false };
            return AccessDecision { caller: Ok(caller), key: None, left: Vec::new() };
        };
        let known = key_of(headers)
            .and_then(|secret| keys.opened_by(&secret).ok_or_else(|| self.unknown(&secret)));
        let key = known.as_ref().ok().copied();
        let caller = known.and_then(|key| self.let_in(key, right));
        let left = key.map(|key| self.left_of(key)).unwrap_or_default();
        AccessDecision { caller, key: key.map(|key| key.name.clone()), left }
    }

    fn left_of(&self, key: &ApiKey) -> Vec<(HeaderName, HeaderValue)> {
        if key.requests_per_minute.or(key.tokens_per_minute).is_none() {
            return Vec::new();
        }
        let (usage, now) = (self.use_of(key), Instant::now());
        let buckets = [
            ("requests", key.requests_per_minute, &usage.requests),
            ("tokens", key.tokens_per_minute, &usage.tokens),
        ];
        let told = buckets.into_iter().filter(|(_, limit, _)| limit.is_some());
        let told = told.filter_map(|(what, _, bucket)| {
            let bucket = *bucket.lock().unwrap_or_else(PoisonError::into_inner);
            Some(bucket?.headers(what, now).collect::<Vec<_>>())
        });
        told.flatten().collect()
    }

    /// The caller of a route that needs no right: it sees nothing that needs one.
    pub(super) fn nobody(self: &Arc<Self>) -> Caller {
        let key = self.needs_keys().then(|| Arc::new(ApiKey::of_nobody()));
        Caller { access: Arc::clone(self), key, usage: None, is_owner: false }
    }

    /// Anyone who may read the data directory may do everything, and needs no key.
    pub(super) fn owner(self: &Arc<Self>) -> Caller {
        Caller { access: Arc::clone(self), key: None, usage: None, is_owner: true }
    }

    /// The key of this id, if it may ask this collection now.
    pub(super) fn key_of_id(&self, id: &str, collection: &str) -> Option<ApiKey> {
        let keys = self.keys.as_ref()?.keys()?;
        let key = keys.keys.iter().find(|key| !id.is_empty() && key.id == id)?;
        let asks = key.may(KeyRight::Search) || key.may(KeyRight::Answer);
        let may = asks && !key.has_expired(Utc::now());
        (may && key.sees_collection(collection)).then(|| key.clone())
    }

    /// The holder of a checked link to a document: it sees this document only.
    pub(super) fn holder_of_link(self: &Arc<Self>, collection: &str, source: &str) -> Caller {
        let key = Some(Arc::new(ApiKey::of_link(collection, source)));
        Caller { access: Arc::clone(self), key, usage: None, is_owner: false }
    }

    fn unknown(&self, secret: &Secret) -> RequestRefusal {
        let revoked = self.keys.as_ref().and_then(|keys| keys.revoked_name(secret));
        match revoked {
            None => unknown_key(),
            Some(name) => RequestRefusal::new(
                StatusCode::UNAUTHORIZED,
                ErrorCode::RevokedApiKey,
                format!("the key `{name}` was revoked, or its secret was replaced"),
            ),
        }
    }

    fn let_in(self: &Arc<Self>, key: &ApiKey, right: KeyRight) -> Result<Caller, RequestRefusal> {
        if key.has_expired(Utc::now()) {
            return Err(RequestRefusal::new(
                StatusCode::UNAUTHORIZED,
                ErrorCode::ExpiredApiKey,
                format!("the key `{}` has expired", key.name),
            )
            .hint(format!("docent keys rotate {} makes a new secret", key.name)));
        }
        if !key.may(right) {
            return Err(RequestRefusal::new(
                StatusCode::FORBIDDEN,
                ErrorCode::MissingRight,
                format!("the key `{}` has no right to {}", key.name, right.name()),
            )
            .hint(format!("it needs `{}` among its rights in keys.toml", right.name())));
        }
        let usage = self.use_of(key);
        let now = Instant::now();
        take(&usage.requests, key.requests_per_minute, 1.0, now)
            .map_err(|wait| too_often(key, "requests", wait))?;
        // The cost of an answer is known only when it ends, so a caller is refused only once it is in debt.
        take(&usage.tokens, key.tokens_per_minute, 0.0, now)
            .map_err(|wait| too_often(key, "tokens", wait))?;
        Ok(Caller {
            access: Arc::clone(self),
            key: Some(Arc::new(key.clone())),
            usage: Some(usage),
            is_owner: false,
        })
    }

    fn use_of(&self, key: &ApiKey) -> Arc<Use> {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = uses.get(&key.id).filter(|known| {
            known.questions.as_ref().map(|(count, _)| *count) == key.questions_at_a_time
        });
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let semaphore = |count: NonZeroU32| (count, Arc::new(Semaphore::new(count.get() as usize)));
        let fresh = Arc::new(Use {
            requests: Mutex::default(),
            tokens: Mutex::default(),
            questions: key.questions_at_a_time.map(semaphore),
        });
        uses.insert(key.id.clone(), Arc::clone(&fresh));
        fresh
    }
}

/// Takes `amount` from the limit of a minute. The error is how long to wait.
fn take(
    bucket: &Mutex<Option<Bucket>>,
    per_minute: Option<NonZeroU32>,
    amount: f64,
    now: Instant,
) -> Result<(), Duration> {
    let Some(per_minute) = per_minute.map(NonZeroU32::get) else { return Ok(()) };
    let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
    let bucket = match bucket.as_mut().filter(|bucket| bucket.is_of(per_minute)) {
        Some(bucket) => bucket,
        None => bucket.insert(Bucket::full(per_minute, now)),
    };
    bucket.take(amount, now)
}

fn too_often(key: &ApiKey, what: &str, wait: Duration) -> RequestRefusal {
    RequestRefusal::new(
        StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::RateLimitExceeded,
        format!("the key `{}` has used its {what} for this minute", key.name),
    )
    .after(wait)
}

impl Caller {
    /// # Errors
    /// The key has used its budget, or the price of a model is not set. `cost`: the cost of the key of this
    /// name, today and in this month.
    pub(super) fn check_budget(
        &self,
        cost: impl FnOnce(&str) -> (f64, f64),
    ) -> Result<(), RequestRefusal> {
        let Some(key) = self.key.as_deref().filter(|key| key.has_budget()) else { return Ok(()) };
        let mut engines = self.access.engines();
        let unpriced = engines.find_map(|(_, engine)| unpriced(&engine.context.settings));
        if let Some((table, model)) = unpriced {
            return Err(RequestRefusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::BudgetWithoutPrices,
                format!("the key `{}` has a budget, but the price of {model} is not set", key.name),
            )
            .hint(format!(
                "the operator of the server sets {table}.price_in and {table}.price_out"
            )));
        }
        let (today, month) = cost(&key.name);
        let over = |budget: Option<f64>, cost: f64| budget.filter(|budget| cost >= *budget);
        let spent = over(key.cost_per_day, today).map(|budget| (budget, "today"));
        let spent = spent.or(over(key.cost_per_month, month).map(|budget| (budget, "this month")));
        match spent {
            None => Ok(()),
            Some((budget, time)) => Err(RequestRefusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::InsufficientQuota,
                format!("the key `{}` has used its budget of {budget} for {time}", key.name),
            )),
        }
    }

    pub(super) fn may(&self, right: KeyRight) -> bool {
        self.key.as_deref().is_none_or(|key| key.may(right))
    }

    /// Whether it sees every document of every served collection.
    pub(super) fn sees_all(&self) -> bool {
        let is_whole = |key: &ApiKey| {
            key.tenant.is_none()
                && key.collections.is_empty()
                && key.sources.is_empty()
                && key.tags.is_empty()
        };
        self.key.as_deref().is_none_or(is_whole)
    }

    /// Whether it came through the socket in the data directory.
    pub(super) fn is_owner(&self) -> bool {
        self.is_owner
    }

    /// `None`: callers need no key.
    pub(super) fn key(&self) -> Option<&Arc<ApiKey>> {
        self.key.as_ref()
    }

    /// Id of its key; empty if it has none.
    pub(super) fn key_id(&self) -> &str {
        self.key.as_ref().map_or("", |key| &key.id)
    }

    /// Whether it came by a link to one document, without a key.
    pub(super) fn has_link(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.id.is_empty() && key.may(KeyRight::Search))
    }

    /// Starts a question of this caller, which ends when the return value is dropped.
    ///
    /// # Errors
    /// It already asks as many questions at a time as it may.
    pub(super) fn begin_question(&self) -> Result<Option<OwnedSemaphorePermit>, RequestRefusal> {
        let (Some(key), Some(usage)) = (&self.key, &self.usage) else { return Ok(None) };
        let Some((count, semaphore)) = &usage.questions else { return Ok(None) };
        let permit = Arc::clone(semaphore).try_acquire_owned();
        permit.map(Some).map_err(|_| {
            RequestRefusal::new(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorCode::TooManyQuestions,
                format!("the key `{}` may ask at most {count} questions at a time", key.name),
            )
            .after(Duration::from_secs(1))
        })
    }

    /// Counts the tokens of an answer.
    pub(super) fn took_tokens(&self, used: Usage) {
        let tokens = used.prompt_tokens.unwrap_or(0) + used.completion_tokens.unwrap_or(0);
        let Some(usage) = &self.usage else { return };
        let mut bucket = usage.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = bucket.as_mut() {
            bucket.owe(tokens as f64);
        }
    }

    /// The collections that this caller may see: the default one first, then by name.
    pub(super) fn collections(&self) -> impl Iterator<Item = &str> {
        let main = &*self.access.main;
        let others = self.access.engines().map(|(name, _)| name).filter(move |name| *name != main);
        std::iter::once(main).chain(others).filter(|name| self.sees(name))
    }

    fn sees(&self, name: &str) -> bool {
        self.key.as_ref().is_none_or(|key| key.sees_collection(name))
    }

    /// The collection of this name, or the default one. A collection that the caller may not see is
    /// reported like one that does not exist.
    ///
    /// # Errors
    /// There is no such collection that the caller may see.
    pub(super) fn open(&self, name: Option<&str>) -> Result<Scoped, RequestRefusal> {
        let tenant = self.key.as_deref().and_then(|key| key.tenant.as_deref());
        let own = name.map(|name| collection_of_tenant(name, tenant));
        let found = own.as_deref().or_else(|| self.collections().next());
        let found = found.filter(|name| self.sees(name));
        let engine = found.and_then(|name| Some((name, self.access.engines.get(name)?)));
        let Some((name, engine)) = engine else {
            let known: Vec<&str> = self.collections().collect();
            let problem = match name {
                Some(name) => format!("there is no collection `{name}`"),
                None => "no collection is named, and there is no default one".to_owned(),
            };
            return Err(RequestRefusal {
                param: "collection".into(),
                ..RequestRefusal::not_found(ErrorCode::CollectionNotFound, problem)
            }
            .hint(match known.as_slice() {
                [] => "this key has access to none of the served collections".to_owned(),
                known => format!("the collections are: {}", known.join(", ")),
            }));
        };
        let key = self.key.as_deref();
        Ok(Scoped {
            name: name.to_owned(),
            engine: Arc::clone(engine),
            within: key.map(|key| key.sources.clone()).unwrap_or_default(),
            tags: key.map(|key| key.tags.clone()).unwrap_or_default(),
        })
    }
}
