//! A run in two halves: the offline part first, kept in files; then the rest on what was kept. Every
//! conformance program under a scheme with a dealer has the same answers that way.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use smpc_interp::{Account, Setup};
use smpc_ir::party::{self, Elem, NoOffline, Party, Program, Validated};
use smpc_ir::{flat::Protocols, lower};
use smpc_runtime::channel::{MemoryChannel, in_memory};
use smpc_runtime::party::prepared::{
    Belongs, Reader, Recording, Replaying, StorageKey, Writer, create_key,
};
use smpc_tests::case::Case;
use smpc_tests::pipeline::{Answers, checked, differences, start};
use smpc_tests::process::Folder;
use smpc_tests::run::{Backend, lacking};

/// Runs every party on a thread of its own.
fn together<T: Send>(
    program: &Program,
    part: impl Fn(usize, &mut MemoryChannel) -> Result<T, String> + Sync,
) -> Result<Vec<T>, String> {
    let ends = in_memory(program.parties.len()).into_iter().enumerate();
    std::thread::scope(|scope| {
        let part = &part;
        let start = |(me, mut end)| {
            let builder = std::thread::Builder::new().stack_size(16 << 20);
            builder
                .spawn_scoped(scope, move || part(me, &mut end))
                .expect("a thread")
        };
        let threads: Vec<_> = ends.map(start).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an endpoint"))
            .collect()
    })
}

fn endpoint(
    program: Validated<'_>,
    me: usize,
    setup: &Setup,
    channel: &mut dyn smpc_runtime::channel::Channel,
) -> Result<Account, String> {
    let party = Party(u8::try_from(me).expect("a party"));
    smpc_interp::endpoint(program, party, setup, channel).map_err(|e| e.message)
}

/// The answers of a run in halves, and how much was sent in each.
fn halves(program: &Program, offline: &Program, setup: &Setup) -> Result<Answers, String> {
    let folder = Folder::new("halves");
    let key = folder.path("key");
    create_key(&key).map_err(|e| e.message)?;
    let file = |me: usize| -> PathBuf { folder.path(&me.to_string()) };
    let open = |message: &str| format!("{message} (party)");
    let first = party::validate(offline).map_err(|e| e.to_string())?;
    let bare = Setup {
        inputs: vec![],
        ..setup.clone()
    };
    let sent = together(program, |me, end| {
        let key = StorageKey::read(&key).map_err(|e| e.message)?;
        let belongs = Belongs {
            party: program.parties[me].clone(),
            agreement: [0; 32],
            session: [0; 16],
        };
        let writer = Writer::create(&file(me), &key, &belongs).map_err(|e| e.message)?;
        let mut recording = Recording::new(end, writer);
        let account = endpoint(first, me, &bare, &mut recording)?;
        let (writer, failed) = recording.into_writer();
        assert!(failed.is_none() && account.bytes == 0 && account.outputs.is_empty());
        writer
            .complete()
            .and_then(|c| c.commit())
            .map_err(|e| e.message)?;
        Ok(account.offline_bytes)
    })?;
    let second = party::validate(program).map_err(|e| e.to_string())?;
    let accounts = together(program, |me, end| {
        let key = StorageKey::read(&key).map_err(|e| e.message)?;
        let reader = Reader::open(&file(me), &key).map_err(|e| open(&e.message))?;
        let mut replaying = Replaying::new(end, reader);
        endpoint(second, me, setup, &mut replaying)
    })?;
    let again: Vec<u64> = accounts
        .iter()
        .map(|account| account.offline_bytes)
        .collect();
    assert_eq!(sent, again, "each offline message once");
    let mut answers: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut told = HashSet::new();
    for (me, account) in accounts.iter().enumerate() {
        for output in &account.outputs {
            // Where several are told, the first.
            if !told
                .iter()
                .any(|(name, other)| *name == output.name && *other != me)
            {
                told.insert((output.name.clone(), me));
                let unit = if output.value.elem() == Elem::Fix {
                    2f64.powi(64)
                } else {
                    1.0
                };
                let values = output.value.to_i128s().into_iter().map(|v| v as f64 / unit);
                answers
                    .entry(output.name.clone())
                    .or_default()
                    .extend(values);
            }
        }
    }
    Ok(answers.into_iter().collect())
}

/// Programs whose loops and branches over revealed values need material.
const DEPEND: [&str; 3] = ["compare_random", "sorting", "while_reveals"];

#[test]
fn halves_make_a_whole() {
    let bound = Backend::new("additive", &[("n", 3)])
        .bind()
        .expect("a backend");
    let (mut whole, mut failed, mut depend) = (0, vec![], vec![]);
    for (name, text) in smpc_tests::programs() {
        let case = Case::read(&text);
        let result = checked(&text, &case).and_then(|program| {
            if lacking(&program, &bound).is_some() {
                return Ok(vec![]);
            }
            let lowered = lower::lower(&program, &bound, lower::Options::default());
            let lowered = lowered.map_err(|e| format!("{e:?}"))?;
            let offline = match lowered.offline_part() {
                Ok(offline) => offline,
                Err(NoOffline::Empty) => return Ok(vec![]),
                Err(NoOffline::Depends(_)) => {
                    depend.push(name.clone());
                    return Ok(vec![]);
                }
            };
            let start = start(&program, &case)?;
            let mut inputs = vec![];
            for (input, (shape, values)) in program.inputs.iter().zip(&start.inputs) {
                let elem = match input.ty {
                    smpc_ir::share::Type::Int => Elem::Ring(bound.ring_bits()),
                    smpc_ir::share::Type::Bits(m) => Elem::Bits(m),
                    smpc_ir::share::Type::Fix(_) => Elem::Fix,
                };
                let tensor = smpc_runtime::Tensor::from_i128s(elem, shape, values);
                inputs.push(Some(tensor.map_err(|e| e.to_string())?));
            }
            let setup = Setup {
                sizes: start.sizes.clone(),
                params: start.params.clone(),
                inputs,
                ..Setup::default()
            };
            whole += 1;
            Ok(differences(
                &case.expected,
                &halves(&lowered, &offline, &setup)?,
            ))
        });
        match result {
            Ok(wrong) => failed.extend(wrong.iter().map(|w| format!("{name}: {w}"))),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    // Loops and branches over what is revealed during the run; control over parameters, sizes and places is prepared.
    assert_eq!(depend, DEPEND);
    assert!(whole > 10, "programs with an offline part: {whole}");
}
