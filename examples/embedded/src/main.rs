//! A Rust program that computes with a script: once in a call, once over channels of its own.

use std::error::Error;

use smpc::runtime::channel::in_memory;
use smpc::runtime::endpoint::Failure;

smpc::program!("mean.smpc", scheme = "rep3");

// The module `highest`, made by the build script.
include!(concat!(env!("OUT_DIR"), "/highest.rs"));

/// Every party in this process, in one call.
fn in_one_call(x: &[f64], y: &[f64]) -> Result<mean::Outputs, Failure> {
    let inputs = mean::Inputs {
        north: mean::north::Inputs { x: x.to_vec() },
        south: mean::south::Inputs { y: y.to_vec() },
    };
    mean::run_locally(&mean::Params::default(), &inputs, None)
}

/// The clinics and the three servers, each where you want it: here on threads, over channels in
/// memory. Any `Channel` does, also one over the network.
fn over_channels(x: &[f64], y: &[f64]) -> Result<mean::north::Outputs, Failure> {
    let params = mean::Params { threshold: 2.0 };
    let sizes = mean::Sizes {
        n: x.len(),
        m: y.len(),
    };
    let mut ends = in_memory(mean::party::NAMES.len());
    let mut servers = ends.split_off(mean::party::P_0);
    std::thread::scope(|scope| {
        let (params, sizes) = (&params, &sizes);
        for (number, mut channel) in servers.drain(..).enumerate() {
            scope.spawn(move || match number {
                0 => mean::p_0::run(&mut channel, params, sizes, None).map(drop),
                1 => mean::p_1::run(&mut channel, params, sizes, None).map(drop),
                _ => mean::p_2::run(&mut channel, params, sizes, None).map(drop),
            });
        }
        let gone = || Failure::setup("there is no such channel");
        let mut south = ends.pop().ok_or_else(gone)?;
        let mut north = ends.pop().ok_or_else(gone)?;
        scope.spawn(move || {
            let inputs = mean::south::Inputs { y: y.to_vec() };
            mean::south::run(&mut south, params, sizes, &inputs, None)
        });
        let inputs = mean::north::Inputs { x: x.to_vec() };
        mean::north::run(&mut north, params, sizes, &inputs, None)
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let (x, y) = ([1.0, 2.5, 0.5], [2.0, 3.0]);
    let outputs = in_one_call(&x, &y)?;
    println!(
        "mean {:.3}, go on: {}",
        outputs.north.mean, outputs.north.go_on
    );
    let strict = over_channels(&x, &y)?;
    println!("with a threshold of 2, go on: {}", strict.go_on);
    let inputs = highest::Inputs {
        north: highest::north::Inputs { x: vec![12, 9] },
        south: highest::south::Inputs { y: vec![7, 15, 3] },
    };
    let outputs = highest::run_locally(&inputs, None)?;
    println!("most patients on one day: {}", outputs.north.highest);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_agree() {
        let (x, y) = ([1.0, 2.5, 0.5], [2.0, 3.0]);
        let outputs = in_one_call(&x, &y).unwrap();
        assert!((outputs.south.mean - 1.8).abs() < 1e-3);
        assert!(outputs.south.go_on);
        let north = over_channels(&x, &y).unwrap();
        assert!((north.mean - 1.8).abs() < 1e-3);
        assert!(!north.go_on);
    }

    #[test]
    fn a_flaw_names_the_input() {
        let error = in_one_call(&[1.0, f64::NAN], &[1.0]).unwrap_err();
        assert_eq!(error.code, "I05");
        assert!(error.message.contains("input `x`, value 1"), "{error}");
    }
}
