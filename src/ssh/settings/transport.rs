//! Which transport the settings come to.

use super::{Evaluation, note};
use crate::domain::failure::trouble::LinkTrouble;
use crate::domain::ssh_config::{Effective, PassedOver, Warning};
use crate::domain::target::{SshRequest, SshSettings, SystemSsh};
use crate::domain::transport::{Transport, choose};
use crate::ssh::system;

impl Evaluation<'_> {
    /// The settings with all hops, and with the transport that they need. The
    /// system's `ssh` takes all of the way, or none of it.
    pub(super) fn with_transport(
        &mut self,
        request: &SshRequest,
    ) -> Result<SshSettings, LinkTrouble> {
        let settings = self.with_jumps(request)?;
        let needs = std::mem::take(&mut self.needs);
        let has_ssh = system::program().is_some();
        let chosen =
            choose(request.transport, needs, has_ssh).map_err(|_| LinkTrouble::SshNotInstalled)?;
        match chosen.transport {
            Transport::OpenSsh => {
                let told = SystemSsh {
                    host: request.host.clone(),
                    port: request.port,
                    user: request.user.clone(),
                    identity_file: request.identity_file.clone(),
                    ssh_config: request.ssh_config.clone(),
                };
                note(&mut self.warnings, std::mem::take(&mut self.not_sent));
                Ok(SshSettings { transport: chosen, system_ssh: Some(told), ..settings })
            }
            Transport::BuiltIn => {
                note(&mut self.warnings, std::mem::take(&mut self.not_done));
                match self.lacks.take() {
                    Some(trouble) => Err(trouble),
                    None => Ok(SshSettings { transport: chosen, ..settings }),
                }
            }
        }
    }

    /// Tells of the variables that a channel of a master is not told of: the
    /// client of its control socket would have to send them.
    pub(super) fn tell_what_is_not_sent(&mut self, effective: &Effective) {
        for setting in effective.settings.send_env() {
            // What a distribution sets for everybody is nobody's wish.
            let Some(origin) = setting.origin.as_ref().filter(|origin| origin.is_users()) else {
                continue;
            };
            let what = PassedOver::Setting {
                keyword: "SendEnv",
                value: setting.value.clone(),
                instead: "over the system's ssh no variable is sent; SetEnv is",
            };
            let (file, line) = (origin.file.to_path_buf(), Some(origin.line));
            note(&mut self.not_sent, [Warning { file, line, what }]);
        }
    }
}
