//! A Rust program that computes with a script: in one call, over channels of its own, and as one party
//! of a run over the network.

use std::error::Error;

use smpc::runtime::channel::in_memory;
use smpc::runtime::command::Stop;
use smpc::runtime::endpoint::Failure;
use smpc::runtime::party;

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

/// The clinic in the north, its values in memory and its peers elsewhere. The sizes and parameters
/// are those that all parties have agreed on.
fn over_the_network(options: &party::Options, x: &[f64]) -> Result<mean::north::Outputs, Stop> {
    let inputs = mean::north::Inputs { x: x.to_vec() };
    let own = [("n", x.len())];
    party::call(&mean::DESCRIPTION, options, &own, |channel, agreed| {
        let params = mean::Params {
            threshold: agreed.fixed("threshold")?,
        };
        let sizes = mean::Sizes {
            n: agreed.size("n")?,
            m: agreed.size("m")?,
        };
        mean::north::run(channel, &params, &sizes, &inputs, None)
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(peers) = std::env::args().nth(1) {
        let options = party::Options {
            name: "north".to_owned(),
            peers: peers.into(),
            ..party::Options::default()
        };
        let outputs = over_the_network(&options, &[1.0, 2.5, 0.5])?;
        println!("mean {:.3}, go on: {}", outputs.mean, outputs.go_on);
        return Ok(());
    }
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

    smpc::program!("risk.smpc");

    /// What an `approx` becomes is part of no file.
    #[test]
    fn a_curve_is_embedded() {
        let x = smpc::runtime::typed::Array::new(&[2, 2], vec![1.0, 0.5, -3.0, 1.0]);
        let inputs = risk::Inputs {
            north: risk::north::Inputs { x: x.unwrap() },
            south: risk::south::Inputs { w: vec![1.5, -1.0] },
        };
        let outputs = risk::run_locally(&inputs, None).unwrap();
        let exact = [1.0, -5.5].map(|t: f64| 1.0 / (1.0 + (-t).exp()));
        for (risk, exact) in outputs.north.risk.iter().zip(exact) {
            assert!((risk - exact).abs() < 0.0021, "{risk} for {exact}");
        }
        assert_eq!(outputs.north.risk.len(), 2);
    }

    /// The clinic, and four parties that are run from their channels, each with a key of its own.
    #[test]
    fn a_program_is_a_party_over_tls() {
        use smpc::runtime::net::keygen;
        let folder = std::env::temp_dir().join(format!("smpc-embedded-{}", std::process::id()));
        let free = |_| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            (listener.local_addr().unwrap(), listener)
        };
        // Held together, so that they differ.
        let addresses: Vec<_> = (0..5).map(free).collect();
        let named = mean::party::NAMES.iter().zip(&addresses);
        let named: Vec<_> = named
            .map(|(name, (address, _))| ((*name).to_owned(), address.to_string()))
            .collect();
        drop(addresses);
        keygen::write(&folder, &named, keygen::Span::days(1)).unwrap();
        let options = |name: &str| party::Options {
            name: name.to_owned(),
            peers: folder.join("peers.toml"),
            set: vec![("threshold".to_owned(), "2".to_owned())],
            wait: std::time::Duration::from_secs(60),
            log: party::Level::Off,
            ..party::Options::default()
        };
        let agreed = |agreed: &party::Agreed<'_>| {
            let params = mean::Params {
                threshold: agreed.fixed("threshold")?,
            };
            let (n, m) = (agreed.size("n")?, agreed.size("m")?);
            Ok::<_, Failure>((params, mean::Sizes { n, m }))
        };
        let north = std::thread::scope(|scope| {
            let (options, agreed) = (&options, &agreed);
            scope.spawn(move || {
                let inputs = mean::south::Inputs { y: vec![2.0, 3.0] };
                let own = [("m", 2)];
                let options = options("south");
                party::call(&mean::DESCRIPTION, &options, &own, |channel, public| {
                    let (params, sizes) = agreed(public)?;
                    mean::south::run(channel, &params, &sizes, &inputs, None)
                })
            });
            for (number, name) in ["P[0]", "P[1]", "P[2]"].into_iter().enumerate() {
                scope.spawn(move || {
                    let options = options(name);
                    party::call(&mean::DESCRIPTION, &options, &[], |channel, public| {
                        let (params, sizes) = agreed(public)?;
                        match number {
                            0 => mean::p_0::run(channel, &params, &sizes, None).map(drop),
                            1 => mean::p_1::run(channel, &params, &sizes, None).map(drop),
                            _ => mean::p_2::run(channel, &params, &sizes, None).map(drop),
                        }
                    })
                });
            }
            over_the_network(&options("north"), &[1.0, 2.5, 0.5])
        });
        let _ = std::fs::remove_dir_all(&folder);
        let north = north.unwrap();
        assert!((north.mean - 1.8).abs() < 1e-3);
        // With the agreed threshold, not with the script's.
        assert!(!north.go_on);
    }

    #[test]
    fn a_size_that_is_none_is_named() {
        let options = party::Options::default();
        let work = |_: &mut dyn smpc::runtime::channel::Channel, _: &party::Agreed<'_>| Ok(());
        let stop = party::call(&mean::DESCRIPTION, &options, &[("k", 1)], work).unwrap_err();
        assert_eq!(stop.code(), "I40", "there is no party without a name");
    }

    #[test]
    fn a_flaw_names_the_input() {
        let error = in_one_call(&[1.0, f64::NAN], &[1.0]).unwrap_err();
        assert_eq!(error.code, "I05");
        assert!(error.message.contains("input `x`, value 1"), "{error}");
    }
}
