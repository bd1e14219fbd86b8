smpc_macros::program!("privacy.smpc");

fn main() {}
