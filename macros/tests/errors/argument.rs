smpc_macros::program!("good.smpc", shceme = "rep3");

fn main() {}
