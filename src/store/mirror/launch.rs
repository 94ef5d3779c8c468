//! What a session needs for its start and nobody may read: the env values and
//! the prompt that came with the request. They are in this file while the
//! session waits, and nowhere on this machine once it has started.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::MirrorError;
use super::folder::{Mirror, blocking};
use crate::store::files;

impl Mirror {
    /// Writes the launch file; at no moment is there half of one.
    ///
    /// # Errors
    ///
    /// The disk is full or fails.
    pub async fn save_launch<T: Serialize + Sync>(&self, launch: &T) -> Result<(), MirrorError> {
        let (file, new) = self.launch_files();
        let json = serde_json::to_vec(launch).map_err(|error| damaged(&file, &error))?;
        blocking(move || {
            files::write_whole(&new, &json)
                .and_then(|()| fs::rename(&new, &file))
                .map_err(|source| MirrorError::write(&file, 0, 0, source))
        })
        .await
    }

    /// Reads the launch file; `None` once it was dropped.
    ///
    /// # Errors
    ///
    /// The file cannot be read or understood.
    pub async fn load_launch<T: DeserializeOwned + Send + 'static>(
        &self,
    ) -> Result<Option<T>, MirrorError> {
        let (file, _) = self.launch_files();
        blocking(move || match fs::read(&file) {
            Ok(json) => {
                serde_json::from_slice(&json).map(Some).map_err(|error| damaged(&file, &error))
            }
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(MirrorError::Read { file, source }),
        })
        .await
    }

    /// Removes the launch file, and what a write that was cut short left of
    /// one; once it is gone this does nothing.
    ///
    /// # Errors
    ///
    /// The file cannot be removed.
    pub async fn drop_launch(&self) -> Result<(), MirrorError> {
        let (file, new) = self.launch_files();
        blocking(move || {
            for path in [&new, &file] {
                match fs::remove_file(path) {
                    Err(source) if source.kind() != io::ErrorKind::NotFound => {
                        return Err(MirrorError::Remove { path: path.clone(), source });
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// Takes what another session was launched with, and the input that it was
    /// sent, over from its folder. What is not there, or was taken over before,
    /// is left as it is: to do this again changes nothing.
    ///
    /// # Errors
    ///
    /// A file cannot be moved.
    pub async fn take_over(&self, from: &Path) -> Result<(), MirrorError> {
        let (from, to) = (from.to_owned(), self.dir().to_owned());
        blocking(move || {
            // Moved one by one, each in one step: there is one of each at all times.
            for name in ["launch.json", "in", "in.end"] {
                match fs::rename(from.join(name), to.join(name)) {
                    Err(source) if source.kind() != io::ErrorKind::NotFound => {
                        return Err(MirrorError::write(&to.join(name), 0, 0, source));
                    }
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    /// The file, and the name under which a new one is written.
    fn launch_files(&self) -> (PathBuf, PathBuf) {
        (self.dir().join("launch.json"), self.dir().join("launch.json.new"))
    }
}

/// serde's own message is left out: it quotes the value that it tripped over.
fn damaged(file: &Path, error: &serde_json::Error) -> MirrorError {
    MirrorError::Launch { file: file.to_owned(), line: error.line(), column: error.column() }
}
