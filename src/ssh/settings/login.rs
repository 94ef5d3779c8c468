//! How we prove who we are, and what the server is told of our environment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Evaluation, note};
use crate::domain::secret::Secret;
use crate::domain::ssh_config::{
    Effective, Keyword, Named, PassedOver, Setting, Settings, Value, Warning, World as _, pattern,
};
use crate::domain::ssh_options::{AddKeys, Login, LoginMethod};
use crate::ssh::algorithms;

impl Evaluation<'_> {
    pub(super) fn login(&mut self, effective: &Effective, named: &Named) -> Login {
        use Keyword as K;
        let known = algorithms::user_keys();
        let keyword = "PubkeyAcceptedAlgorithms";
        let accepted = self.selected(effective, K::PubkeyAcceptedAlgorithms, keyword, &known);
        let set = &effective.settings;
        let prompts = set.number(K::NumberOfPasswordPrompts);
        Login {
            methods: methods(set),
            certificate_files: self.certificate_files(effective, named),
            accepted,
            batch: set.flag(K::BatchMode).unwrap_or(false),
            prompts: prompts.and_then(|number| u32::try_from(number).ok()).unwrap_or(3),
            add_keys: add_keys(&effective.settings),
        }
    }

    /// One that is not there is passed over, as ssh does it, but not in silence.
    fn certificate_files(&mut self, effective: &Effective, named: &Named) -> Vec<PathBuf> {
        let written = effective.settings.certificate_files();
        for (setting, file) in written.iter().zip(&named.certificate_files) {
            if !self.system.is_present(Path::new(file)) {
                let Setting { origin, .. } = setting;
                let usual = || self.env.home.join(".ssh/config");
                let what = PassedOver::Setting {
                    keyword: "CertificateFile",
                    value: file.clone(),
                    instead: "there is no such file; the login goes on without it",
                };
                let file = origin.as_ref().map_or_else(usual, |at| at.file.to_path_buf());
                let line = origin.as_ref().map(|at| at.line);
                note(&mut self.warnings, [Warning { file, line, what }]);
            }
        }
        named.certificate_files.iter().map(PathBuf::from).collect()
    }

    /// `SendEnv`, then `SetEnv`, which has the last word on a name.
    pub(super) fn session_env(&self, set: &Settings) -> Vec<(String, Secret)> {
        let wanted = |name: &str| {
            set.send_env().iter().any(|pattern| pattern::matches(name, &pattern.value))
        };
        let sent = self.system.variables().into_iter().filter(|(name, _)| wanted(name));
        let fixed = set.list(Keyword::SetEnv).unwrap_or_default();
        let fixed: Vec<(String, String)> = fixed
            .iter()
            .filter_map(|text| text.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let is_fixed = |name: &str| fixed.iter().any(|(fixed, _)| fixed == name);
        let sent: Vec<_> = sent.filter(|(name, _)| !is_fixed(name)).collect();
        sent.into_iter().chain(fixed).map(|(name, value)| (name, Secret::new(value))).collect()
    }
}

fn add_keys(set: &Settings) -> AddKeys {
    let value = set.get(Keyword::AddKeysToAgent).map(|set| &set.value);
    let Some(&Value::For(mode, seconds)) = value else { return AddKeys::No };
    let lifetime = Some(Duration::from_secs(seconds)).filter(|time| !time.is_zero());
    match mode {
        "true" | "confirm" | "ask" => {
            AddKeys::Yes { asks: mode == "ask", confirm: mode == "confirm", lifetime }
        }
        _ => AddKeys::No,
    }
}

/// What is tried, in order. A name twice counts once.
fn methods(set: &Settings) -> Vec<LoginMethod> {
    let is_off = |method: &LoginMethod| match method {
        LoginMethod::PublicKey => set.choice(Keyword::PubkeyAuthentication) == Some("false"),
        LoginMethod::KeyboardInteractive => {
            set.flag(Keyword::KbdInteractiveAuthentication) == Some(false)
        }
        LoginMethod::Password => set.flag(Keyword::PasswordAuthentication) == Some(false),
    };
    let mut methods = match set.text(Keyword::PreferredAuthentications) {
        None => LoginMethod::USUAL.to_vec(),
        Some(list) => {
            let named =
                |name: &str| LoginMethod::USUAL.into_iter().find(|method| method.as_str() == name);
            let mut methods = Vec::new();
            for method in list.split(',').filter_map(named) {
                if !methods.contains(&method) {
                    methods.push(method);
                }
            }
            methods
        }
    };
    methods.retain(|method| !is_off(method));
    methods
}
