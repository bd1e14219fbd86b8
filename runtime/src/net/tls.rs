//! TLS 1.3 with certificates on both sides, each compared byte by byte with what `peers.toml` pins.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::server::NoServerSessionStorage;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::error::NetError;
use super::peers::Entry;

/// The certificates that may be shown.
#[derive(Debug)]
struct Pins {
    admitted: Vec<Entry>,
    provider: Arc<CryptoProvider>,
}

impl Pins {
    fn check(&self, shown: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
        let entry = self.admitted.iter().find(|e| e.certificate == *shown);
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let refused = match entry {
            None => CertificateError::ApplicationVerificationFailure,
            Some(entry) if entry.invalid(now).is_some() => CertificateError::Expired,
            Some(_) => return Ok(()),
        };
        Err(refused.into())
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// TLS 1.2 is never offered.
fn no_tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::General("TLS 1.2 is not spoken here".to_owned()))
}

impl ServerCertVerifier for Pins {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Pins {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, now)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_tls12()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

/// This party's side of every connection.
pub(crate) struct Tls {
    own: Entry,
    key: PrivateKeyDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl Tls {
    /// # Errors
    /// The key is not the one of the certificate.
    pub fn new(own: Entry, key: PrivateKeyDer<'static>) -> Result<Self, NetError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = Self { own, key, provider };
        tls.server(vec![])?;
        Ok(tls)
    }

    fn pins(&self, admitted: Vec<Entry>) -> Arc<Pins> {
        Arc::new(Pins {
            admitted,
            provider: self.provider.clone(),
        })
    }

    fn wrong(&self, error: &Error) -> NetError {
        let name = &self.own.name;
        let message = match error {
            Error::InconsistentKeys(_) => {
                format!("the private key does not belong to the certificate of {name}")
            }
            // There is no kind of its own for that.
            Error::General(text) if text.contains("parse private key") => format!(
                "the private key of {name} is of a kind that is not taken: expected RSA of 2048 bits or more, ECDSA over P-256 or P-384, or Ed25519"
            ),
            other => format!("the certificate and private key of {name}: {other}"),
        };
        NetError::own(message)
    }

    /// For connections this party makes.
    pub fn client(&self, peer: Entry) -> Result<Arc<ClientConfig>, NetError> {
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .and_then(|builder| {
                let builder = builder
                    .dangerous()
                    .with_custom_certificate_verifier(self.pins(vec![peer]));
                let chain = vec![self.own.certificate.clone()];
                builder.with_client_auth_cert(chain, self.key.clone_key())
            });
        let mut config = config.map_err(|e| self.wrong(&e))?;
        config.resumption = Resumption::disabled();
        config.enable_sni = false;
        Ok(Arc::new(config))
    }

    /// For connections these peers make.
    pub fn server(&self, peers: Vec<Entry>) -> Result<Arc<ServerConfig>, NetError> {
        let config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&TLS13])
            .and_then(|builder| {
                let builder = builder.with_client_cert_verifier(self.pins(peers));
                let chain = vec![self.own.certificate.clone()];
                builder.with_single_cert(chain, self.key.clone_key())
            });
        let mut config = config.map_err(|e| self.wrong(&e))?;
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Arc::new(config))
    }
}

/// What a failed handshake means to a user.
pub(crate) fn explain(error: &Error) -> (Cause, String) {
    use rustls::AlertDescription as Alert;
    match error {
        Error::InvalidCertificate(CertificateError::Expired) => (
            Cause::Identity,
            "the certificate it shows has expired".to_owned(),
        ),
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => (
            Cause::Identity,
            "the certificate it shows is not the one in peers.toml".to_owned(),
        ),
        Error::InvalidCertificate(_) | Error::NoCertificatesPresented => (
            Cause::Identity,
            format!("it did not prove who it is ({error})"),
        ),
        Error::AlertReceived(Alert::CertificateExpired) => (
            Cause::Identity,
            "it finds our certificate expired".to_owned(),
        ),
        Error::AlertReceived(
            Alert::AccessDenied
            | Alert::BadCertificate
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::CertificateRequired
            | Alert::DecryptError,
        ) => (
            Cause::Identity,
            "it does not accept our certificate: its peers.toml has another one".to_owned(),
        ),
        _ => (
            Cause::Garbage,
            "what answers does not speak this protocol".to_owned(),
        ),
    }
}

/// Kinds of [`explain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Somebody else.
    Identity,
    /// No TLS, or damaged.
    Garbage,
}
