//! Lists of algorithms, as far as there are any here, and `RekeyLimit`.

use std::time::Duration;

use super::{Evaluation, note};
use crate::domain::ssh_config::{Effective, Keyword, Selected, select_algorithms};
use crate::domain::ssh_options::{HostKeyAlgorithms, Offer};
use crate::domain::transport::Need;
use crate::ssh::algorithms::{self as ours, Known};

/// The most that one set of keys may be used for, in bytes; the library's bound.
const MOST_BYTES: u64 = 1 << 30;

impl Evaluation<'_> {
    /// What is offered.
    pub(super) fn offer(&mut self, effective: &Effective) -> Offer {
        use Keyword as K;
        let set = &effective.settings;
        let kex = self.selected(effective, K::KexAlgorithms, "KexAlgorithms", &ours::kex());
        let ciphers = self.selected(effective, K::Ciphers, "Ciphers", &ours::ciphers());
        let macs = self.selected(effective, K::MACs, "MACs", &ours::macs());
        let host_keys =
            self.selected(effective, K::HostKeyAlgorithms, "HostKeyAlgorithms", &ours::host_keys());
        let amends = |list: &str| list.starts_with(['+', '-']);
        let host_keys = host_keys.map(|names| HostKeyAlgorithms {
            names,
            known_first: set.text(K::HostKeyAlgorithms).is_some_and(amends),
        });
        Offer {
            kex,
            ciphers,
            macs,
            host_keys,
            compression: set.choice(K::Compression) == Some("yes"),
            rekey_bytes: self.rekey_bytes(effective),
            // 0 is no limit of ssh's; ours stands then.
            rekey_after: set
                .number(K::RekeyInterval)
                .filter(|&seconds| seconds != 0)
                .map(Duration::from_secs),
        }
    }

    fn rekey_bytes(&mut self, effective: &Effective) -> Option<u64> {
        let bytes = effective.settings.number(Keyword::RekeyLimit).filter(|&bytes| bytes != 0)?;
        if bytes > MOST_BYTES {
            let instead = "there are new keys after 1G already";
            self.warn(effective, Keyword::RekeyLimit, "RekeyLimit", &bytes.to_string(), instead);
        }
        Some(bytes.min(MOST_BYTES))
    }

    /// The names of a list that there are here. A list of which none is left is not
    /// for the built-in transport: whatever took its place would be a choice of ours.
    pub(super) fn selected(
        &mut self,
        effective: &Effective,
        of: Keyword,
        keyword: &'static str,
        known: &Known,
    ) -> Option<Vec<String>> {
        let list = effective.settings.text(of)?;
        let Selected { names, lacking } = select_algorithms(list, &known.usual, &known.all);
        if names.is_empty() {
            let detail = format!("{keyword} {list}: longhaul has none of them");
            let trouble = self.trouble_at(effective, of, detail);
            self.lacks.get_or_insert(trouble);
            note(&mut self.needs, [Need::Algorithms(keyword)]);
            return None;
        }
        if !lacking.is_empty() {
            let instead = "longhaul does not have these, and offers the others";
            self.warn(effective, of, keyword, &lacking.join(","), instead);
        }
        Some(names)
    }
}
