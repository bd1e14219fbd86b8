//! The files of the crate.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};
use smpc_grammar::Sources;
use smpc_grammar::ast::FileId;
use smpc_ir::party::schedule::{Schedule, schedule};
use smpc_ir::party::{Block, Elem, Op, Party, Program, Validated};
use smpc_ir::share::{SizeOrigin, Type};

use crate::emit::{Emitter, elem_tokens, mentions};
use crate::formula::signed;
use crate::layout::Layout;
use crate::project::project;
use crate::{File, Options, Runtime, Unsupported, name, size};

/// Stands for a comment until the text is laid out.
const MARKER: &str = "smpc_source!(";

pub(crate) fn package(
    valid: Validated<'_>,
    sources: &Sources,
    options: &Options,
) -> Result<Vec<File>, Unsupported> {
    let program = valid.program();
    let schedule = schedule(valid);
    let layout = Layout::of(program);
    let crate_name = name::snake(&options.name);
    let mut files = vec![
        File {
            path: "Cargo.toml".into(),
            text: manifest(&crate_name, options),
        },
        File {
            path: "src/lib.rs".into(),
            text: library(program, sources, options, &layout)?,
        },
    ];
    files.push(File {
        path: "src/main.rs".into(),
        text: binary(&crate_name, options)?,
    });
    for (number, module) in layout.modules.iter().enumerate() {
        let party = Party(u8::try_from(number).unwrap_or(u8::MAX));
        files.push(File {
            path: format!("src/{module}.rs"),
            text: party_module(program, &schedule, sources, &layout, party)?,
        });
    }
    Ok(files)
}

fn manifest(name: &str, options: &Options) -> String {
    let runtime = match &options.runtime {
        Runtime::Path(path) => format!("{{ path = {path:?} }}"),
        Runtime::Version(version) => format!("{version:?}"),
    };
    let name = name.replace('_', "-");
    format!(
        "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
         [dependencies]\nsmpc-runtime = {runtime}\n\n\
         # A project of its own, also inside of another one's folder.\n[workspace]\n"
    )
}

/// The text of a file. Only a mistake in this crate makes tokens that are no Rust.
fn print(tokens: TokenStream, comments: &[String]) -> Result<String, Unsupported> {
    let file: syn::File = syn::parse2(tokens).map_err(|_| Unsupported {
        what: "a part of this program (the generated text is no Rust: please report it)",
    })?;
    let text = prettyplease::unparse(&file);
    let mut out = String::with_capacity(text.len());
    let (mut first, mut previous) = (true, "");
    for line in text.lines() {
        let code = line.trim_start();
        let marked = code
            .strip_prefix(MARKER)
            .and_then(|rest| rest.strip_suffix(");"));
        let comment = marked.and_then(|number| comments.get(number.parse::<usize>().ok()?));
        match comment {
            Some(comment) => {
                if !first {
                    out.push('\n');
                }
                let indent = &line[..line.len() - code.len()];
                out.push_str(&format!("{indent}// {comment}\n"));
            }
            None => {
                let item = ["///", "pub ", "impl ", "#[derive", "use ", "mod "];
                let begins = item.iter().any(|word| code.starts_with(word));
                let same = |word: &str| previous.starts_with(word) && code.starts_with(word);
                let within = ["///", "#[", "use ", "mod "].iter().any(|word| same(word));
                let headed = ["///", "#["].iter().any(|word| previous.starts_with(word));
                let ended = previous.ends_with('}')
                    || previous.ends_with(';')
                    || previous.starts_with("//!");
                if begins && ended && !within && !headed {
                    out.push('\n');
                }
                out.push_str(line);
                out.push('\n');
            }
        }
        previous = code;
        first = code.ends_with('{');
    }
    Ok(out)
}

fn party_module(
    program: &Program,
    schedule: &Schedule,
    sources: &Sources,
    layout: &Layout,
    party: Party,
) -> Result<String, Unsupported> {
    let acts = project(program, &schedule.body, party);
    let mut emitter = Emitter::new(program, sources, layout);
    let (statements, _) = emitter.block(&acts, &[]);
    if let Some(failed) = emitter.failed.take() {
        return Err(failed);
    }
    let body = quote!(#(#statements)*);
    let sizes = layout
        .publics
        .iter()
        .map(|p| &p.name)
        .filter(|name| mentions(&body, name));
    let sizes: Vec<_> = sizes
        .map(|name| quote!(let #name = public.#name;))
        .collect();
    let body = quote!(#(#sizes)* #body Ok(()));
    let param = |text: &str| -> Ident {
        let name = format_ident!("{text}");
        if mentions(&body, &name) {
            name
        } else {
            format_ident!("_{text}")
        }
    };
    let (end, public, inputs, out) = (param("end"), param("public"), param("inputs"), param("out"));
    let mentioned = |names: Vec<&Ident>| -> Vec<Ident> {
        names
            .into_iter()
            .filter(|name| mentions(&body, name))
            .cloned()
            .collect()
    };
    let parties = mentioned(layout.parties.iter().collect());
    let sets = mentioned(layout.sets.iter().map(|(_, name)| name).collect());
    let parties = (!parties.is_empty()).then(|| quote!(use crate::party::{#(#parties),*};));
    let sets = (!sets.is_empty()).then(|| quote!(use crate::coins::{#(#sets),*};));
    let full = program
        .parties
        .get(usize::from(party.0))
        .map_or("", String::as_str);
    let doc = format!(" What `{full}` computes, draws and sends.");
    let run = format!(" Carries out the part of `{full}`.");
    let tokens = quote! {
        #![doc = #doc]
        #parties
        #sets
        use crate::{Inputs, Outputs, Public};
        use smpc_runtime::prelude::*;

        #[doc = #run]
        ///
        /// # Errors
        /// An input is missing, a peer is gone, or the values do not allow an operation.
        pub fn run(
            #end: &mut Endpoint<'_>,
            #public: &Public,
            #inputs: &Inputs,
            #out: &mut Outputs,
        ) -> Result<(), Failure> {
            #body
        }
    };
    print(tokens, &emitter.comments)
}

/// The `//!` lines at the head of the script.
fn script_docs(sources: &Sources) -> Vec<String> {
    let text = sources.get(FileId(0)).map_or("", |file| &file.text);
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(str::to_owned).collect()
}

fn library(
    program: &Program,
    sources: &Sources,
    options: &Options,
    layout: &Layout,
) -> Result<String, Unsupported> {
    let mut docs = script_docs(sources);
    if !docs.is_empty() {
        docs.push(String::new());
    }
    docs.push(format!(
        " Generated from `{}` by `smpc build`.",
        options.name
    ));
    let modules = &layout.modules;
    let numbers: Vec<_> = (0..layout.parties.len())
        .map(Literal::usize_unsuffixed)
        .collect();
    let consts = &layout.parties;
    let names = &program.parties;
    let party_docs = names.iter().map(|name| format!(" `{name}`."));
    let count = Literal::usize_unsuffixed(names.len());
    let module_list: Vec<_> = modules.iter().map(|m| quote!(mod #m;)).collect();

    let set_consts = layout.sets.iter().enumerate().map(|(number, (set, name))| {
        let members = set.iter().filter_map(|p| names.get(usize::from(p.0)));
        let members: Vec<String> = members.map(|name| format!("`{name}`")).collect();
        let doc = format!(" Coins of {}.", members.join(", "));
        let number = Literal::usize_unsuffixed(number);
        quote!(#[doc = #doc] pub const #name: usize = #number;)
    });
    let set_lists = layout.sets.iter().map(|(set, _)| {
        let members = set.iter().map(|p| Literal::u8_unsuffixed(p.0));
        quote!(&[#(#members),*])
    });
    let sets = Literal::usize_unsuffixed(layout.sets.len());

    let public_fields = layout.publics.iter().map(|p| {
        let (name, doc) = (&p.name, &p.doc);
        quote!(#[doc = #doc] pub #name: i128,)
    });
    let input_fields = program
        .inputs
        .iter()
        .zip(&layout.inputs)
        .map(|(input, name)| {
            let owner = names
                .get(usize::from(input.party))
                .map_or("", String::as_str);
            let column = input
                .column
                .as_ref()
                .map_or(String::new(), |c| format!(", column `{c}`"));
            let what = match input.ty {
                Type::Int => "integers".to_owned(),
                Type::Fix(_) => "fixed point".to_owned(),
                Type::Bits(1) => "single bits".to_owned(),
                Type::Bits(m) => format!("strings of {m} bits"),
            };
            let doc = format!(" `{}`{column} of `{owner}`: {what}.", input.file);
            quote!(#[doc = #doc] pub #name: Option<Tensor>,)
        });
    let output_fields = layout.outputs.iter().map(|(own, field, name)| {
        let doc = match field {
            Some(at) => format!(" Member {at} of `{own}`, each time it was handed out."),
            None => format!(" `{own}`, each time it was handed out."),
        };
        quote!(#[doc = #doc] pub #name: Vec<Tensor>,)
    });
    let output_names = layout.outputs.iter().map(|(own, field, name)| {
        let shown = match field {
            Some(at) => format!("{own}.{at}"),
            None => own.clone(),
        };
        quote!((#shown, self.#name))
    });

    let lookup = |var| layout.size_name(var);
    let mut checks = vec![];
    for guard in &program.guards {
        let missing = Unsupported {
            what: "a guard over a loop",
        };
        let left = size::size(&guard.left, &lookup).ok_or_else(|| missing.clone())?;
        let right = size::size(&guard.right, &lookup).ok_or(missing)?;
        let line = name::line(sources, guard.source);
        let at = line.map_or(String::new(), |l| format!("{}:{}: ", l.file, l.number));
        let text = |s: &smpc_ir::Size| {
            s.display(&|v| {
                program
                    .sizes
                    .get(v.0 as usize)
                    .map_or(String::new(), |i| i.name.clone())
            })
        };
        let message = format!(
            "{at}sizes disagree: {} and {}",
            text(&guard.left),
            text(&guard.right)
        );
        checks.push(quote! {
            if #left != #right {
                return Err(Failure::setup(#message));
            }
        });
    }
    let checked = quote!(#(#checks)*);
    let used = layout
        .publics
        .iter()
        .map(|p| &p.name)
        .filter(|name| mentions(&checked, name));
    let used: Vec<_> = used.map(|name| quote!(let #name = self.#name;)).collect();
    let (check, call) = if checks.is_empty() {
        (quote!(), quote!())
    } else {
        let check = quote! {
            impl Public {
                /// Whether sizes agree where they have to.
                fn check(&self) -> Result<(), Failure> {
                    #(#used)*
                    #checked
                    Ok(())
                }
            }
        };
        (check, quote!(public.check()?;))
    };

    let description = description(program);
    let public_names = layout.publics.iter().map(|p| &p.name);
    let input_names = &layout.inputs;
    let (public_values, public_next) = if layout.publics.is_empty() {
        (quote!(_values), quote!())
    } else {
        let next = quote! {
            let mut values = values.iter().copied();
            let mut next = || values.next().unwrap_or_default();
        };
        (quote!(values), next)
    };
    let (input_values, input_next) = if layout.inputs.is_empty() {
        (quote!(_values), quote!())
    } else {
        let next = quote! {
            let mut values = values.into_iter();
            let mut next = || values.next().flatten();
        };
        (quote!(values), next)
    };

    let tokens = quote! {
        #(#![doc = #docs])*

        #(#module_list)*

        use smpc_runtime::command;
        use smpc_runtime::prelude::*;

        /// The parties, by position.
        pub mod party {
            #(#[doc = #party_docs] pub const #consts: usize = #numbers;)*
            /// Their names in the script.
            pub const NAMES: [&str; #count] = [#(#names),*];
        }

        /// Streams of coins that sets of parties share.
        pub mod coins {
            #(#set_consts)*
            /// Members of each set, by position.
            pub const SETS: [&[usize]; #sets] = [#(#set_lists),*];
        }

        /// What the program is started with.
        pub const DESCRIPTION: command::Description = #description;

        /// What every party knows before the run: sizes and parameters.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Public { #(#public_fields)* }

        impl Public {
            /// From values in the order of the fields; what is missing is 0.
            pub fn from_list(#public_values: &[i128]) -> Self {
                #public_next
                Self { #(#public_names: next()),* }
            }
        }

        #check

        /// The inputs; a party has its own.
        #[derive(Clone, Debug, Default)]
        pub struct Inputs { #(#input_fields)* }

        impl Inputs {
            /// From tensors in the order of the fields.
            pub fn from_list(#input_values: Vec<Option<Tensor>>) -> Self {
                #input_next
                Self { #(#input_names: next()),* }
            }
        }

        /// What a party was handed.
        #[derive(Clone, Debug, Default)]
        pub struct Outputs { #(#output_fields)* }

        impl Outputs {
            /// All outputs by name.
            pub fn into_list(self) -> Vec<(&'static str, Vec<Tensor>)> {
                vec![#(#output_names),*]
            }
        }

        /// Carries out one party's part over its channels to the others. Without a seed the run's
        /// keys come from the operating system; with one the run can be repeated.
        ///
        /// # Errors
        /// An input is missing, a peer is gone, or the values do not allow an operation.
        pub fn run(
            party: usize,
            channel: &mut dyn Channel,
            public: &Public,
            inputs: &Inputs,
            seed: Option<u64>,
        ) -> Result<(Outputs, Account), Failure> {
            #call
            let mut end = Endpoint::start(party, channel, seed, &coins::SETS)?;
            let mut out = Outputs::default();
            let done = match party {
                #(party::#consts => #modules::run(&mut end, public, inputs, &mut out),)*
                _ => Err(Failure::setup("there is no such party")),
            };
            match done {
                Ok(()) => Ok((out, end.account())),
                Err(failure) => Err(end.locate(failure)),
            }
        }
    };
    print(tokens, &[])
}

/// The constant that says what the program is started with.
fn description(program: &Program) -> TokenStream {
    let literal = |value: Option<i128>| match value {
        Some(value) => {
            let value = signed(value);
            quote!(Some(#value))
        }
        None => quote!(None),
    };
    let axes = program.sizes.iter().filter_map(|info| match info.origin {
        SizeOrigin::Input { input, axis } => {
            let (name, input) = (&info.name, Literal::u32_unsuffixed(input));
            let axis = Literal::u8_unsuffixed(axis);
            Some(quote!(command::Public {
                name: #name,
                origin: command::Origin::Axis { input: #input, axis: #axis },
            }))
        }
        _ => None,
    });
    let params = program.params.iter().map(|param| {
        let (name, default) = (&param.name, literal(param.default));
        let kind = match param.ty {
            Type::Fix(_) => quote!(Fixed),
            _ => quote!(Integer),
        };
        quote!(command::Public { name: #name, origin: command::Origin::#kind(#default) })
    });
    let publics: Vec<_> = axes.chain(params).collect();
    let inputs = program.inputs.iter().enumerate().map(|(at, input)| {
        let table = program
            .inputs
            .iter()
            .filter(|i| i.party == input.party && i.file == input.file);
        let table_rank = table.map(|i| i.shape.len()).min().unwrap_or(0);
        let (party, rank) = (
            Literal::u8_unsuffixed(input.party),
            Literal::usize_unsuffixed(input.shape.len()),
        );
        let table_rank = Literal::usize_unsuffixed(table_rank);
        let (file, text) = (&input.file, input.text);
        let elem = elem_tokens(
            input_elem(&program.body, program, at).unwrap_or(match input.ty {
                Type::Int => Elem::Ring(64),
                Type::Bits(m) => Elem::Bits(m),
                Type::Fix(_) => Elem::Fix,
            }),
        );
        let column = match &input.column {
            Some(column) => quote!(Some(#column)),
            None => quote!(None),
        };
        quote!(command::Input {
            party: #party,
            file: #file,
            column: #column,
            elem: #elem,
            text: #text,
            rank: #rank,
            table_rank: #table_rank,
        })
    });
    quote!(command::Description {
        parties: &party::NAMES,
        publics: &[#(#publics),*],
        inputs: &[#(#inputs),*],
    })
}

/// The element type in which a program takes an input.
fn input_elem(block: &Block, program: &Program, at: usize) -> Option<Elem> {
    let read = |op: &Op| matches!(op, Op::Input(i) if *i as usize == at);
    let step = block.steps.iter().find(|step| read(&step.op))?;
    let result = step.results.first()?;
    program.values.get(result.0 as usize).map(|info| info.elem)
}

fn binary(crate_name: &str, options: &Options) -> Result<String, Unsupported> {
    let library = format_ident!("{crate_name}");
    let doc = format!(
        " The program of `{}`: `--help` tells its options.",
        options.name
    );
    let tokens = quote! {
        #![doc = #doc]

        use std::process::ExitCode;

        use #library::{DESCRIPTION, Inputs, Public, run};
        use smpc_runtime::command;

        fn main() -> ExitCode {
            command::main(&DESCRIPTION, |party, channel, public, inputs, seed| {
                let public = Public::from_list(public);
                let inputs = Inputs::from_list(inputs);
                let (outputs, account) = run(party, channel, &public, &inputs, seed)?;
                Ok((outputs.into_list(), account))
            })
        }
    };
    print(tokens, &[])
}
