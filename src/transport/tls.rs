//! The certificate of the server, read again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How often the files are looked at.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(10);
/// gRPC, and gRPC-Web.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate cannot be used. Never quotes the key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: std::io::Error },
    #[error("{}: expected certificates in PEM", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{}: expected a private key in PEM, without a password", path.display())]
    NoKey { path: PathBuf },
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// TLS 1.2 and 1.3 with a certificate from files.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    config: ArcSwap<ServerConfig>,
    /// Contents of the files that are in use.
    loaded: Mutex<Files>,
}

#[derive(PartialEq, Eq)]
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// # Errors
    /// If the files cannot be used.
    pub fn load(certificate: &Path, key: &Path) -> Result<Tls, Error> {
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        let files = Files::read(&certificate, &key)?;
        let config = ArcSwap::from_pointee(files.config(&certificate, &key)?);
        Ok(Tls { certificate, key, config, loaded: Mutex::new(files) })
    }

    /// For the next connection.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Takes the files if they have changed. Files that cannot be used change nothing.
    ///
    /// # Errors
    /// If they cannot be used.
    pub fn reload(&self) -> Result<bool, Error> {
        let files = Files::read(&self.certificate, &self.key)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if *loaded == files {
            return Ok(false);
        }
        self.config.store(Arc::new(files.config(&self.certificate, &self.key)?));
        *loaded = files;
        Ok(true)
    }

    /// Looks at the files again and again, until `stop`.
    pub async fn watch(self: Arc<Tls>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            }
            let tls = self.clone();
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(true)) => info!("the certificate of the server was read again"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => warn!(%error, "the certificate before stays in use"),
                Err(error) => warn!(%error, "the certificate could not be read again"),
            }
        }
    }
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Files, Error> {
        let read = |path: &Path| {
            let unreadable = |cause| Error::Unreadable { path: path.to_owned(), cause };
            std::fs::read(path).map_err(unreadable)
        };
        Ok(Files { certificate: read(certificate)?, key: read(key)? })
    }

    fn config(&self, certificate: &Path, key: &Path) -> Result<ServerConfig, Error> {
        let chain: Result<Vec<CertificateDer<'static>>, _> =
            CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| Error::NoCertificate { path: certificate.to_owned() })?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| Error::NoKey { path: key.to_owned() })?;
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }
}
