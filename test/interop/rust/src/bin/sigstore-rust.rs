//! The crates of sigstore-rust sign and verify, by the files that `stele trust` writes.
//!
//! ```text
//! sign   --signing-config FILE --identity-token TOKEN --bundle FILE (--artifact | --statement) FILE
//! verify --trusted-root FILE --certificate-identity NAME --certificate-oidc-issuer URL --bundle FILE --artifact FILE
//! verify --trusted-root FILE --public-key FILE --bundle FILE --artifact FILE
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::{env, fs, process};

use sigstore_sign::oidc::IdentityToken;
use sigstore_sign::{SigningContext, SigningServices};
use sigstore_verify::trust_root::{SigningConfig, TrustedRoot};
use sigstore_verify::types::{Bundle, DerPublicKey};
use sigstore_verify::{verify, Policy, PublicKeyVerificationPolicy, VerificationPolicy};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match run(&arguments) {
        Ok(said) => println!("{said}"),
        Err(refusal) => {
            eprintln!("{refusal}");
            process::exit(1);
        }
    }
}

fn run(arguments: &[String]) -> Result<&'static str, Box<dyn Error>> {
    let (command, rest) = arguments.split_first().ok_or("no command")?;
    let flags: HashMap<&str, &str> = rest
        .chunks_exact(2)
        .map(|pair| (pair[0].as_str(), pair[1].as_str()))
        .collect();
    match command.as_str() {
        "sign" => sign_artifact(&flags),
        "verify" => verify_artifact(&flags),
        other => Err(format!("no command {other}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn sign_artifact(flags: &HashMap<&str, &str>) -> Result<&'static str, Box<dyn Error>> {
    let config = SigningConfig::from_file(flag(flags, "--signing-config")?)?;
    let services = SigningServices::from_signing_config(&config)?;
    let token = IdentityToken::from_jwt(flag(flags, "--identity-token")?)?;
    let signer = SigningContext::new(services).signer(token);
    let bundle = match flags.get("--statement") {
        Some(statement) => signer.sign_raw_statement(&fs::read(statement)?).await?,
        None => {
            let artifact = fs::read(flag(flags, "--artifact")?)?;
            signer.sign(artifact.as_slice()).await?
        }
    };
    fs::write(flag(flags, "--bundle")?, bundle.to_json()?)?;
    Ok("Signed")
}

fn verify_artifact(flags: &HashMap<&str, &str>) -> Result<&'static str, Box<dyn Error>> {
    let trusted = TrustedRoot::from_file(flag(flags, "--trusted-root")?)?;
    let bundle = Bundle::from_json(&fs::read_to_string(flag(flags, "--bundle")?)?)?;
    let artifact = fs::read(flag(flags, "--artifact")?)?;
    let policy: Box<dyn Policy> = match flags.get("--public-key") {
        Some(file) => {
            let key = DerPublicKey::from_pem(&fs::read_to_string(file)?)?;
            Box::new(PublicKeyVerificationPolicy::new(key))
        }
        None => Box::new(VerificationPolicy::new(
            flag(flags, "--certificate-identity")?,
            flag(flags, "--certificate-oidc-issuer")?,
        )),
    };
    verify(artifact.as_slice(), &bundle, policy.as_ref(), &trusted)?;
    Ok("Verified")
}

fn flag<'a>(flags: &HashMap<&str, &'a str>, name: &str) -> Result<&'a str, String> {
    flags.get(name).copied().ok_or(format!("{name} is missing"))
}
