smpc_macros::program!("good.smpc", scheme = "rep4");

fn main() {}
