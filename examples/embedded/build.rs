//! The other way to the same: a script becomes a file in `OUT_DIR`.

fn main() -> Result<(), smpc::build::Error> {
    let options = smpc::build::Options {
        scheme: Some("additive".to_owned()),
        ..smpc::build::Options::default()
    };
    smpc::build::compile("src/highest.smpc", &options)?;
    Ok(())
}
