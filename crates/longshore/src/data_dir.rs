//! The data directory: who owns it, the master key and the first credentials.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use longshore_domain::secret::Secret;
use longshore_engine::environment::{Environment, SystemEnvironment};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

const LOCK_FILE: &str = "lock";
const KEY_FILE: &str = "master-key";
const CREDENTIALS_FILE: &str = "bootstrap-credentials";
/// Random bytes of a key or secret that is made here.
const RANDOM_BYTES: usize = 32;

/// A data directory that this process alone uses, until it is dropped.
pub(crate) struct DataDir {
    path: PathBuf,
    _locks: Vec<File>,
}

impl DataDir {
    /// Takes the directory, and the database, for this process.
    ///
    /// # Errors
    /// Where another process uses one of them, or the directory cannot be made.
    pub(crate) fn take(path: &Path, database: &Path) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("data directory {} cannot be made", path.display()))?;
        let mut beside = database.as_os_str().to_owned();
        beside.push(".lock");
        let locks = vec![lock(&path.join(LOCK_FILE))?, lock(Path::new(&beside))?];
        Ok(Self {
            path: path.to_owned(),
            _locks: locks,
        })
    }

    /// The master key: the configured one, else the one kept here, made at the first start.
    ///
    /// # Errors
    /// Where there is data but no key, or the key cannot be read or written.
    pub(crate) fn master_key(
        &self,
        configured: Option<&Secret<String>>,
        database: &Path,
    ) -> anyhow::Result<Secret<[u8; 32]>> {
        let text = match configured {
            Some(text) => text.clone(),
            None => self.kept_key(database)?,
        };
        Ok(Secret::new(Sha256::digest(text.expose().as_bytes()).into()))
    }

    fn kept_key(&self, database: &Path) -> anyhow::Result<Secret<String>> {
        let file = self.path.join(KEY_FILE);
        match fs::read_to_string(&file) {
            Ok(text) if !text.trim().is_empty() => Ok(Secret::new(text.trim().to_owned())),
            Ok(_) => bail!("{} is empty; restore the master key", file.display()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if database.exists() {
                    bail!(
                        "there is data in {}, but no master key: set LONGSHORE_MASTER_KEY, or \
                         restore {}",
                        database.display(),
                        file.display()
                    );
                }
                let text = Secret::new(random_text());
                write_private(&file, text.expose())?;
                Ok(text)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }

    /// A client id and secret for an organisation that has none, written before they are used so
    /// that no crash can lose them.
    ///
    /// # Errors
    /// Where the file cannot be read or written.
    pub(crate) fn first_credentials(&self) -> anyhow::Result<(PathBuf, String, Secret<String>)> {
        let file = self.path.join(CREDENTIALS_FILE);
        match File::open(&file) {
            Ok(mut found) => {
                let mut text = String::new();
                found.read_to_string(&mut text)?;
                let value = |key: &str| {
                    text.lines()
                        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                        .map(str::to_owned)
                        .with_context(|| format!("{} has no line {key}=…", file.display()))
                };
                Ok((
                    file.clone(),
                    value("CLIENT_ID")?,
                    Secret::new(value("CLIENT_SECRET")?),
                ))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let (id, secret) = (random_text(), Secret::new(random_text()));
                let text = format!("CLIENT_ID={id}\nCLIENT_SECRET={}\n", secret.expose());
                write_private(&file, &text)?;
                Ok((file, id, secret))
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
        }
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be opened", path.display()))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => bail!(
            "another Longshore process uses {}; stop it, or use another data directory",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| format!("{} cannot be locked", path.display())),
    }
}

/// Writes a file that only its owner may read; it is whole or not there.
fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let unfinished = path.with_extension("partial");
    let written = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    written().with_context(|| format!("{} cannot be written", path.display()))
}

fn random_text() -> String {
    let mut bytes = [0; RANDOM_BYTES];
    SystemEnvironment.fill_random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
