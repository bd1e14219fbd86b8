//! A test PKI: one self-signed certificate for each party. Parties that do not trust one another
//! make their own keys and exchange certificates.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, DnType, KeyPair};
use zeroize::Zeroizing;

use super::error::NetError;

/// When a certificate is valid.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// From.
    pub from: SystemTime,
    /// Until.
    pub until: SystemTime,
}

impl Span {
    /// So many days from now on, and since yesterday: clocks differ.
    pub fn days(days: u32) -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        let now = SystemTime::now();
        Self {
            from: now.checked_sub(DAY).unwrap_or(UNIX_EPOCH),
            until: now.checked_add(DAY * days).unwrap_or(now),
        }
    }
}

/// A certificate and its private key.
pub struct Identity {
    der: Vec<u8>,
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The private key in PEM.
    pub key_pem: Zeroizing<String>,
}

impl Identity {
    /// The certificate in DER.
    pub fn certificate(&self) -> &[u8] {
        &self.der
    }
}

/// Makes a key (ECDSA on P-256) and a certificate that says `name`.
///
/// # Errors
/// The system has no randomness.
pub fn generate(name: &str, span: Span) -> Result<Identity, NetError> {
    let failed = |e: rcgen::Error| NetError::own(format!("no key was made for {name}: {e}"));
    let mut params = CertificateParams::new(vec![]).map_err(failed)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = span.from.into();
    params.not_after = span.until.into();
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = params.self_signed(&key).map_err(failed)?;
    Ok(Identity {
        der: certificate.der().to_vec(),
        certificate_pem: certificate.pem(),
        key_pem: Zeroizing::new(key.serialize_pem()),
    })
}

/// Writes `NAME.pem` and `NAME.key` (readable by its owner only) for each party, and a `peers.toml`
/// with these addresses, into a folder. Nothing is overwritten.
///
/// # Errors
/// A file exists or cannot be written.
pub fn write(folder: &Path, parties: &[(String, String)], span: Span) -> Result<(), NetError> {
    std::fs::create_dir_all(folder)
        .map_err(|e| NetError::own(format!("{}: {e}", folder.display())))?;
    let mut peers = String::new();
    for (name, address) in parties {
        if name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(NetError::own(format!("`{name}` is no name of a party")));
        }
        let identity = generate(name, span)?;
        create(
            &folder.join(format!("{name}.key")),
            identity.key_pem.as_bytes(),
            true,
        )?;
        let file = format!("{name}.pem");
        create(
            &folder.join(&file),
            identity.certificate_pem.as_bytes(),
            false,
        )?;
        peers.push_str(&format!(
            "[party.{}]\naddress = {}\ncertificate = {}\n\n",
            quoted(name),
            quoted(address),
            quoted(&file)
        ));
    }
    create(
        &folder.join("peers.toml"),
        peers.trim_end().as_bytes(),
        false,
    )
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn create(path: &Path, contents: &[u8], secret: bool) -> Result<(), NetError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    options
        .open(path)
        .and_then(|mut file| file.write_all(contents))
        .map_err(|e| NetError::own(format!("{}: {e}", path.display())))
}
