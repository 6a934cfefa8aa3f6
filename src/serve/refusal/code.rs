//! The names of errors, and a hint for each that is used if the error has none of its own.

macro_rules! codes {
    ($($code:ident $name:literal $hint:literal)*) => {
        /// The name of an error, for programs.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(in crate::serve) enum ErrorCode {
            $($code,)*
        }

        impl ErrorCode {
            #[cfg(test)]
            pub(in crate::serve) const ALL: &[Self] = &[$(Self::$code,)*];

            pub(in crate::serve) fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }

            /// What to do next, if nothing more specific is known. Callers read it, so it names what they
            /// can do first, and then what is for the operator of the server.
            pub(in crate::serve) fn usual_hint(self) -> &'static str {
                match self {
                    $(Self::$code => $hint,)*
                }
            }
        }
    };
}

codes! {
    // What was sent.
    InvalidValue "invalid_value"
        "see GET /openapi.json for the values of this request"
    UnknownParameter "unknown_parameter"
        "leave it out: GET /openapi.json lists the parameters of this request"
    UnsupportedParameter "unsupported_parameter"
        "leave it out: docent does not do this"
    RequestTooLarge "request_too_large"
        "send less in one request; the operator of the server sets the limits with --body-limit and --upload-limit"
    MalformedRequest "malformed_request"
        "send a request of HTTP/1.1 or HTTP/2, as a client library makes it"
    HeadTooLarge "head_too_large"
        "send fewer and shorter headers, and a shorter URL"
    RequestTimeout "request_timeout"
        "send it again; the operator of the server sets how long is waited with --request-timeout and --header-timeout"
    ContextLengthExceeded "context_length_exceeded"
        "send less text: a shorter question, fewer earlier messages, or a smaller `k`"
    ContentRefused "content_refused"
        "word it differently: the server of the model refuses this text"
    NoChatModel "no_chat_model"
        "leave it out; the operator of the server names a chat model with --model"
    UnknownUrl "unknown_url"
        "GET /openapi.json lists every request"
    MethodNotAllowed "method_not_allowed"
        "GET /openapi.json lists every request"
    UpgradeRequired "upgrade_required"
        "open it with a WebSocket client over HTTP/1.1"
    TlsRequired "tls_required"
        "begin the URL with https://"

    // Who asks.
    MissingApiKey "missing_api_key"
        "send it as `Authorization: Bearer dk_...`; docent keys create NAME makes one"
    InvalidApiKey "invalid_api_key"
        "the operator of the server sees all keys with docent keys list; docent keys create NAME makes one"
    ExpiredApiKey "expired_api_key"
        "ask the operator of the server for another key: docent keys rotate NAME makes one"
    RevokedApiKey "revoked_api_key"
        "ask the operator of the server for another key: docent keys create NAME makes one"
    MissingRight "missing_right"
        "use a key that has this right: docent keys create NAME --right RIGHT makes one"
    OutsideOfKey "outside_of_key"
        "stay with the documents that this key sees, or use another key"
    InvalidLink "invalid_link"
        "ask again, and open the link of the new answer; or send a key"
    ExpiredLink "expired_link"
        "ask again, and open the link of the new answer; or send a key"
    HostNotAllowed "host_not_allowed"
        "use an address that the server says it listens on; its operator allows other names with --allow-host"
    OriginNotAllowed "origin_not_allowed"
        "the operator of the server lets pages of this origin ask with --allow-origin"

    // Something does not exist.
    ModelNotFound "model_not_found"
        "GET /v1/models lists those that this key may ask"
    CollectionNotFound "collection_not_found"
        "GET /v1/docent/status lists those that this key may ask"
    VectorStoreNotFound "vector_store_not_found"
        "GET /v1/vector_stores lists those that this key may see"
    FileNotFound "file_not_found"
        "GET /v1/files lists those that this key may see"
    BatchNotFound "batch_not_found"
        "batches are forgotten when the server ends; their files are not: list those of the vector store"
    DocumentNotFound "document_not_found"
        "it may have been renamed or removed since it was cited: ask again"
    AnswerNotFound "answer_not_found"
        "send `docent.answer_id` of an answer that this key got since the server started"
    NoContent "no_content"
        "ask again once its status is `completed`"
    TurnNotKept "turn_not_kept"
        "ask the question again: answers are kept for two minutes"

    // Something cannot be done in the current state.
    ReadOnly "read_only"
        "docent ingest changes a collection while this server runs; docent serve --ingest lets callers do so"
    NotUploaded "not_uploaded"
        "delete its file where it came from; the next docent ingest removes it"
    AnswerUnderWay "answer_under_way"
        "wait for its end, or send {\"type\": \"cancel\"} first"
    AnswerCutOff "answer_cut_off"
        "ask the question again"

    // Limits.
    RateLimitExceeded "rate_limit_exceeded"
        "ask again after `Retry-After`; docent keys create --requests-per-minute, --tokens-per-minute set what a key has in a minute"
    TooManyQuestions "too_many_questions"
        "ask again when an answer of this key has ended; docent keys create --questions-at-a-time sets how many a key may ask at a time"
    InsufficientQuota "insufficient_quota"
        "ask again when the next day or month has begun (UTC), or have cost_per_day or cost_per_month of this key raised in keys.toml: that counts at once"
    Overloaded "overloaded"
        "ask again after `Retry-After`; the operator of the server sets what it takes on with --max-questions, --queue and --queue-wait"

    // The state of the server.
    ShuttingDown "shutting_down"
        "ask again after `Retry-After`: by then the next server may answer"
    NotReady "not_ready"
        "ask again later; the operator of the server sees in its log what is missing"
    AuditUnwritable "audit_unwritable"
        "ask again later; the operator of the server sees to the file of --audit: room on its disk, and the right to write it"
    BudgetWithoutPrices "budget_without_prices"
        "the operator of the server sets what the model costs: chat.price_in, chat.price_out"
    InternalError "internal_error"
        "report it, with the request id and what the log says"
    Failed "failed"
        "ask again later; the operator of the server sees in its log why it failed"

    // The state of the services behind it.
    UpstreamUnavailable "upstream_unavailable"
        "ask again after `Retry-After`; the operator of the server sees with docent doctor what is down, and quotes meanwhile with --fallback extractive"
    UpstreamAuth "upstream_auth"
        "the operator of the server sets the key of the model's server: docent doctor says which"
    UpstreamFailed "upstream_failed"
        "the operator of the server sees with docent doctor what the model's server says"
    ModelChanged "model_changed"
        "the operator of the server sets the model that built the collection, or rebuilds it: docent ingest --rebuild"
    CollectionBusy "collection_busy"
        "ask again after `Retry-After`: another process has the collection"
    CollectionReplaced "collection_replaced"
        "ask again after `Retry-After`: the collection was rebuilt meanwhile"
    CollectionMissing "collection_missing"
        "ask again when it is there; the operator of the server sees in its log which command makes it"
    StoreFailed "store_failed"
        "ask again later; the operator of the server sees in its log what is wrong"
}
