//! What tells a request that is made again from another one with its key.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::api::types::RunRequest;

/// Digests of requests, keyed: a short secret in a request could be guessed from
/// a plain one, and the registry holds them.
#[derive(Clone)]
pub struct RequestDigests([u8; 32]);

impl fmt::Debug for RequestDigests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestDigests(…)")
    }
}

impl RequestDigests {
    /// Digests by this key, which has to be the same after a restart.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The digest of all that a request asks for.
    pub(super) fn of(&self, request: &RunRequest) -> String {
        let request = RunRequest { idempotency_key: None, ..request.clone() };
        // A request is a struct of strings, numbers and maps: it has a JSON form.
        let mut value = serde_json::to_value(&request).unwrap_or_default();
        // Fields that a later version adds are left out where they say nothing,
        // or an upgrade would make each request another one.
        if let Value::Object(fields) = &mut value {
            fields.retain(|_, value| !says_nothing(value));
        }
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(value.to_string().as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::types::{RestartPolicy, Where};

    fn request() -> RunRequest {
        RunRequest {
            command: vec!["make".to_owned()],
            env: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
            prompt: Some("do it".to_owned()),
            idempotency_key: Some("k".to_owned()),
            ..RunRequest::default()
        }
    }

    #[test]
    fn requests_differ_in_whatever_they_ask_for() {
        let digests = RequestDigests::new([7; 32]);
        let same = digests.of(&request());
        assert_eq!(same.len(), 64);
        let change = |edit: fn(&mut RunRequest)| {
            let mut request = request();
            edit(&mut request);
            digests.of(&request)
        };
        assert_eq!(change(|r| r.idempotency_key = None), same, "the key is no part of it");
        let edits: [fn(&mut RunRequest); 7] = [
            |r| r.command.push("x".to_owned()),
            |r| _ = r.env.insert("TOKEN".to_owned(), "hunter3".to_owned()),
            |r| r.prompt = None,
            |r| r.on = Some(Where::Local),
            |r| r.stdin_open = true,
            |r| r.timeout_s = Some(1),
            |r| r.restart = Some(RestartPolicy::Never),
        ];
        for (at, edit) in edits.into_iter().enumerate() {
            assert_ne!(change(edit), same, "edit {at}");
        }
    }

    #[test]
    fn nobody_makes_the_digest_without_the_key() {
        let of = |key| RequestDigests::new([key; 32]).of(&request());
        assert_ne!(of(1), of(2));
    }
}
