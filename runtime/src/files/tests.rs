use super::*;
use proptest::prelude::*;
use std::fs;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("smpc-files-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("alice")).unwrap();
        Self(path)
    }

    fn write(&self, file: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.0.join("alice").join(file), contents).unwrap();
    }

    fn read(&self, wanted: &[Wanted<'_>]) -> Read {
        read(wanted, &self.0, None)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn input<'a>(ty: Type, rank: usize) -> Wanted<'a> {
    Wanted {
        party: 0,
        owner: "alice",
        file: "x",
        column: None,
        element: Element {
            ty,
            text: false,
            ring_bits: 64,
            modulus: None,
        },
        rank,
        shown: "[t; n]".into(),
    }
}

fn text_input<'a>(bytes: u8, rank: usize) -> Wanted<'a> {
    let mut wanted = input(Type::Bits(8 * bytes), rank);
    wanted.element.text = true;
    wanted
}

fn codes(read: &Read) -> Vec<&str> {
    read.problems.iter().map(|p| p.code).collect()
}

#[test]
fn tensors_and_columns() {
    let folder = Folder::new("columns");
    folder.write("x.csv", "a,b\r\n1,\"x\"\r\n2,\",\"\r\n");
    let column = Wanted {
        column: Some("b"),
        ..text_input(2, 1)
    };
    let read = folder.read(&[column]);
    assert_eq!(read.problems, []);
    assert_eq!(
        read.arrays[0].as_ref().map(|a| a.values.clone()),
        Some(vec![0x7800, 0x2c00])
    );
    folder.write("x.csv", "1,2\n3,4");
    let read = folder.read(&[input(Type::Int, 2)]);
    assert_eq!(read.arrays[0].as_ref().unwrap().shape, [2, 2]);
}

/// A value in quotes ends where they end, and nothing else of the file is in it.
#[test]
fn quotes_that_do_not_end_a_value_are_told() {
    let folder = Folder::new("quotes");
    let told = |text: &str, wanted: &Wanted<'_>| {
        folder.write("x.csv", text);
        let read = folder.read(std::slice::from_ref(wanted));
        let rows = read.problems.iter().map(|p| {
            let place = [&p.row, &p.column].map(|part| part.clone().unwrap_or_default());
            format!("{} {}, {}", p.code, place[0], place[1])
        });
        rows.collect::<Vec<_>>().join("; ")
    };
    let words = &text_input(8, 1);
    for good in [
        "a\n\"b\"\nc\n",
        "\"a\"\"b\"\r\n\"\"\r\n\"\"\"\"",
        "a\"b\n\"c,\n\"\n",
        "\"a\"\r\"b\"\r",
        "\u{feff}\"a\"\n",
    ] {
        assert_eq!(told(good, words), "", "{good:?}");
    }
    assert_eq!(told("x\n\"abc\ny\nz\n", words), "I10 line 2, column 1");
    assert_eq!(told("\"a\nb\"\nx\n\"", words), "I10 line 4, column 1");
    assert_eq!(told("\"a\"\"\nb\n", words), "I10 line 1, column 1");
    assert_eq!(told("\"a\"b\n", words), "I10 line 1, column 1");
    assert_eq!(told("\"a\" \nb\n", words), "I10 line 1, column 1");
    assert_eq!(
        told("1\n\"2\"3\n", &input(Type::Int, 1)),
        "I10 line 2, column 1"
    );
    let column = &Wanted {
        column: Some("t"),
        ..text_input(8, 1)
    };
    let table = "id,t\n1,x\n2,\"ab\n3,c\n";
    assert_eq!(told(table, column), "I10 line 3, column 2");
}

/// What was written is read with the same value, also at the end of the range.
#[test]
fn the_least_integer_is_read() {
    let folder = Folder::new("least");
    let mut wide = input(Type::Int, 1);
    wide.element.ring_bits = 128;
    let least = i128::MIN.to_string();
    for (file, text) in [
        ("x.csv", format!("{least}\n5\n")),
        ("x.json", format!("[{least}, 5]")),
    ] {
        folder.write(file, text);
        let read = folder.read(std::slice::from_ref(&wide));
        assert_eq!(read.problems, []);
        let values = read.arrays[0].as_ref().map(|a| a.values.clone());
        assert_eq!(values, Some(vec![i128::MIN, 5]), "{file}");
        fs::remove_file(folder.0.join("alice").join(file)).unwrap();
    }
    folder.write("x.csv", "1e-1000\n");
    assert_eq!(codes(&folder.read(&[wide])), ["I04"]);
}

/// A row that is missing would shift all behind it; line ends at the end of a file are none.
#[test]
fn empty_lines_are_told() {
    let folder = Folder::new("empty-lines");
    let told = |text: &str, wanted: &Wanted<'_>| {
        folder.write("x.csv", text);
        let read = folder.read(std::slice::from_ref(wanted));
        let rows = read.problems.iter();
        let rows = rows.map(|p| format!("{} {}", p.code, p.row.as_deref().unwrap_or("")));
        rows.collect::<Vec<_>>().join(", ")
    };
    let numbers = &input(Type::Int, 1);
    for good in [
        "1\n2\n3",
        "1\n2\n\n\n",
        "1\r\n2\r\n",
        "1\r2\r",
        "\u{feff}1\n2\n",
        "1\r\n2\r\n\r\n",
    ] {
        assert_eq!(told(good, numbers), "", "{good:?}");
    }
    assert_eq!(told("1\n\n3\n", numbers), "I03 line 2");
    assert_eq!(
        told("1\r\n\r\n\r\n3\r\n\r\n", numbers),
        "I03 line 2, I03 line 3"
    );
    assert_eq!(told("\n1\n", numbers), "I03 line 1");
    assert_eq!(told("\u{feff}\r\n1\n", numbers), "I03 line 1");
    // What comes behind one has its own line.
    assert_eq!(told("1\n\n3\nx\n", numbers), "I03 line 2, I04 line 4");
    assert_eq!(
        told("1\r\n\r\n\r\nx\r\n", numbers),
        "I03 line 2, I03 line 3, I04 line 4"
    );
    let words = &text_input(4, 1);
    assert_eq!(told("a\n\"\"\nb\n", words), "");
    assert_eq!(told("a\n\nb\n", words), "I03 line 2");
    assert_eq!(told("\"a\n\nb\"\n\"\r\n\"\n", words), "");
    let column = &Wanted {
        column: Some("b"),
        ..input(Type::Int, 1)
    };
    assert_eq!(told("a,b\n1,2\n\n3,4\n", column), "I03 line 3");
    assert_eq!(told("a,b\n\n1,2\n", column), "I03 line 2");
}

/// Of two columns, or two values, of one name none is taken.
#[test]
fn names_that_occur_twice() {
    let folder = Folder::new("twice");
    let wanted = ["a", "b"].map(|column| Wanted {
        file: "t",
        column: Some(column),
        ..input(Type::Int, 1)
    });
    let told = |file: &str, text: &str| -> Vec<String> {
        folder.write(file, text);
        let read = folder.read(&wanted);
        let _ = std::fs::remove_file(folder.0.join("alice").join(file));
        if read.problems.is_empty() {
            assert!(read.arrays.iter().all(Option::is_some), "{text}");
        } else {
            assert_eq!(codes(&read), ["I10"], "{text}");
            assert_eq!(read.arrays, [None, None], "{text}");
        }
        let told = read.problems.iter();
        told.map(|p| format!("{} {}", p.message, p.row.as_deref().unwrap_or("")))
            .collect()
    };
    let header = ["the header names `b` twice line 1"];
    assert_eq!(told("t.csv", "b,a,t, b\n1,2,a,3\n"), header);
    // One that the script does not ask for cannot be told from a slip either.
    assert_eq!(
        told("t.csv", "a,b,t,t\n1,2,3,4\n"),
        ["the header names `t` twice line 1"]
    );
    assert!(told("t.csv", "a,b,,\n1,2,3,4\n").is_empty());
    let once = r#"{"a": [1, 2.0e0], "b": [3, 4], "c": {"a": null, "d": [true, "x"]}}"#;
    assert!(told("t.json", once).is_empty());
    assert!(told("t.json", r#"[{"a": 1, "b": 2}, {"a": 3, "b": 4}]"#).is_empty());
    for text in [
        "{\"a\": [1],\n \"b\": [2],\n \"a\": [3]}",
        "[{\"a\": 1, \"b\": 2},\n {\"a\": 1,\n \"b\": 2, \"\\u0061\": 3}]",
        "{\"a\": [1], \"b\": [2],\n\n \"c\": {\"a\": 0, \"a\": 0}}",
    ] {
        assert_eq!(told("t.json", text), ["an object has `a` twice line 3"]);
    }
}

#[test]
fn one_party_reads_its_own_files_only() {
    let folder = Folder::new("own");
    folder.write("x.csv", "1\n");
    let bobs = Wanted {
        party: 1,
        owner: "bob",
        ..input(Type::Int, 1)
    };
    let wanted = [input(Type::Int, 1), bobs];
    let own = read(&wanted, &folder.0, Some(0));
    assert_eq!(own.problems, []);
    assert!(own.arrays[0].is_some() && own.arrays[1].is_none());
    let all = folder.read(&wanted);
    assert_eq!(codes(&all), ["I01"]);
    assert_eq!(all.problems[0].input, Some(1));
}

#[test]
fn a_long_first_row_takes_no_room_for_the_others() {
    let folder = Folder::new("ragged");
    let mut text = "1,".repeat(1 << 19) + "1\n";
    text.push_str(&"1\n".repeat(1 << 19));
    folder.write("x.csv", text);
    let read = folder.read(&[input(Type::Int, 2)]);
    assert_eq!(read.problems.len(), 21);
    assert!(codes(&read).iter().all(|code| *code == "I03"));
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_read() {
    let folder = Folder::new("device");
    std::os::unix::fs::symlink("/dev/zero", folder.0.join("alice/x.csv")).unwrap();
    assert_eq!(codes(&folder.read(&[input(Type::Int, 1)])), ["I01"]);
}

/// Writes an output and reads the file as an input of the same type.
fn round_trip(
    name: &str,
    wanted: &[Wanted<'_>],
    values: &[Tensor],
    format: Format,
) -> (String, Vec<Tensor>) {
    let count = values.len() as u16;
    let columns: Vec<(OutputInfo<'_>, Vec<Tensor>)> = wanted
        .iter()
        .zip(values)
        .enumerate()
        .map(|(at, (input, value))| {
            let output = OutputInfo {
                name: "x",
                field: (count > 1).then_some((at as u16, count)),
                label: input.column.unwrap_or(""),
                ty: input.element.ty,
                text: input.element.text,
                repeated: false,
                all: true,
                receivers: smpc_ir::party::PartySet::first(1),
            };
            (output, vec![value.clone()])
        })
        .collect();
    let folder = Folder::new(name);
    let files = render(&columns, format);
    assert_eq!(files.len(), 1);
    let paths: Vec<_> = files
        .iter()
        .map(|(name, bytes)| (folder.0.join("alice").join(name), bytes.clone()))
        .collect();
    write_all(&paths, Patience::default()).unwrap();
    let read = folder.read(wanted);
    assert_eq!(
        read.problems,
        [],
        "{}",
        String::from_utf8_lossy(&files[0].1)
    );
    let pairs = wanted.iter().zip(read.arrays);
    let tensors = pairs.map(|(w, array)| array.unwrap().tensor(w.element).unwrap());
    (files[0].0.clone(), tensors.collect())
}

fn any_type() -> impl Strategy<Value = (Type, bool)> {
    prop_oneof![
        Just((Type::Int, false)),
        (1u8..=40).prop_map(|f| (Type::Fix(f), false)),
        Just((Type::Bits(1), false)),
        (1u8..=128).prop_map(|m| (Type::Bits(m), false)),
        (1u8..=16).prop_map(|n| (Type::Bits(8 * n), true)),
    ]
}

/// A value of the type: of text, short words with the characters that files treat specially.
fn fitted(ty: Type, text: bool, raw: i128, word: &str) -> i128 {
    match ty {
        Type::Int => i128::from(raw as i64),
        // Whole bits that the ring of 64 bits admits.
        Type::Fix(f) => raw >> (128 - (62 - u32::from(f)) - 64),
        Type::Bits(m) if text => {
            let most = usize::from(m / 8);
            let mut end = word.len().min(most);
            while !word.is_char_boundary(end) {
                end -= 1;
            }
            let bytes = word.as_bytes()[..end].iter().copied();
            let padded = bytes.chain(std::iter::repeat(0)).take(most);
            padded.fold(0u128, |bits, byte| bits << 8 | u128::from(byte)) as i128
        }
        Type::Bits(m) => (raw as u128 & crate::tensor::wide_mask(m)) as i128,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        (ty, text) in any_type(),
        shape in prop::collection::vec(1usize..4, 0..4),
        raw in prop::collection::vec((any::<i128>(), "[ a\",0é\u{feff}\n\r#'-]{0,16}"), 64),
        format in prop_oneof![Just(Format::Csv), Just(Format::Npy), Just(Format::Json)],
    ) {
        let wanted = Wanted {
            element: Element { ty, text, ring_bits: 64, modulus: None },
            ..input(ty, shape.len())
        };
        let n: usize = shape.iter().product();
        let mut values: Vec<i128> = raw[..n]
            .iter()
            .map(|(raw, word)| fitted(ty, text, *raw, word))
            .collect();
        // NumPy's floats have 53 bits.
        if format == Format::Npy && matches!(ty, Type::Fix(_)) {
            for value in &mut values {
                *value = crate::number::fixed_from_f64(crate::number::to_f64(*value)).unwrap();
            }
        }
        let tensor = Tensor::from_i128s(wanted.element.elem(), &shape, &values).unwrap();
        let (name, found) = round_trip("property", &[wanted], std::slice::from_ref(&tensor), format);
        let held = match format {
            Format::Csv => shape.len() <= 2,
            Format::Npy => !matches!(ty, Type::Bits(65..)) || text,
            Format::Json => true,
        };
        let ending = if held { format } else { Format::Json }.ending();
        prop_assert_eq!(name, format!("x.{ending}"));
        prop_assert_eq!(&found[..], &[tensor]);
    }

    #[test]
    fn tables_are_read_as_written(
        rows in 1usize..5,
        raw in prop::collection::vec((any::<i128>(), "[a,\" ]{0,4}"), 32),
        width in 1usize..3,
        format in prop_oneof![Just(Format::Csv), Just(Format::Npy), Just(Format::Json)],
    ) {
        let wanted = [
            Wanted { column: Some("word"), ..text_input(4, 1) },
            Wanted { column: Some("cost"), ..input(Type::Fix(16), 1) },
            Wanted { column: Some("marks"), ..input(Type::Int, 2) },
        ];
        let tensors: Vec<Tensor> = wanted
            .iter()
            .map(|w| {
                let shape = if w.rank == 1 { vec![rows] } else { vec![rows, width] };
                let n = shape.iter().product();
                let values: Vec<i128> = raw[..n]
                    .iter()
                    .map(|(raw, word)| fitted(w.element.ty, w.element.text, *raw, word))
                    .collect();
                Tensor::from_i128s(w.element.elem(), &shape, &values).unwrap()
            })
            .collect();
        let (name, found) = round_trip("tables", &wanted, &tensors, format);
        prop_assert_eq!(name, if format == Format::Csv { "x.csv" } else { "x.json" });
        prop_assert_eq!(found, tensors);
    }

    #[test]
    fn hostile_files_never_panic(
        ending in prop_oneof![Just("csv"), Just("npy"), Just("json")],
        start in prop_oneof![
            Just(&b""[..]),
            Just(&b"\x93NUMPY\x01\x00\x40\x00{'descr': '<f8', 'fortran_order': True, 'shape': ("[..]),
            Just(&b"\x93NUMPY\x02\x00"[..]),
            Just(&b"[[1,"[..]),
            Just(&b"{\"a\":["[..]),
            Just(&b"a,b\n"[..]),
        ],
        rest in prop::collection::vec(any::<u8>(), 0..80),
        ty in any_type(),
        rank in 0usize..4,
        column in any::<bool>(),
    ) {
        let folder = Folder::new("hostile");
        folder.write(&format!("x.{ending}"), [start, &rest].concat());
        let wanted = Wanted {
            element: Element { ty: ty.0, text: ty.1, ring_bits: 64, modulus: None },
            column: column.then_some("a"),
            ..input(ty.0, rank)
        };
        let read = folder.read(&[wanted]);
        prop_assert_eq!(read.arrays[0].is_some(), read.problems.is_empty());
    }
}

#[test]
fn outputs_of_a_loop_are_lists() {
    let output = |name, label, field| OutputInfo {
        name,
        field,
        label,
        ty: Type::Int,
        text: false,
        repeated: true,
        all: true,
        receivers: smpc_ir::party::PartySet::first(1),
    };
    let tensor = |shape: &[usize], values: &[i128]| {
        Tensor::from_i128s(smpc_ir::party::Elem::Ring(64), shape, values).unwrap()
    };
    let one = tensor(&[], &[7]);
    let text = |outputs: &[(OutputInfo<'_>, Vec<Tensor>)], format| {
        let files = render(outputs, format);
        let all = files
            .iter()
            .map(|(name, bytes)| format!("{name}: {}", String::from_utf8_lossy(bytes).trim_end()));
        all.collect::<Vec<_>>().join("; ")
    };
    let scalar = [(output("s", "", None), vec![one.clone(), tensor(&[], &[-8])])];
    assert_eq!(text(&scalar, Format::Csv), "s.csv: 7\n-8");
    let once = [(output("s", "", None), vec![one.clone()])];
    assert_eq!(text(&once, Format::Json), "s.json: [7]");
    let ragged = [(
        output("r", "", None),
        vec![tensor(&[1], &[1]), tensor(&[2], &[2, 3])],
    )];
    assert_eq!(text(&ragged, Format::Csv), "r.json: [[1],[2,3]]");
    let pair = [
        (
            output("p", "0", Some((0, 2))),
            vec![one.clone(), one.clone()],
        ),
        (
            output("p", "1", Some((1, 2))),
            vec![one.clone(), tensor(&[], &[9])],
        ),
        (output("never", "", None), vec![]),
    ];
    assert_eq!(text(&pair, Format::Csv), "p.csv: 0,1\n7,7\n7,9");
    assert_eq!(text(&pair, Format::Json), "p.json: [[7,7],[7,9]]");
}

/// As a script that has lists of lists made them.
#[test]
fn a_table_of_two_axes_in_json() {
    let folder = Folder::new("rows");
    let field = |column| Wanted {
        column: Some(column),
        ..input(Type::Int, 2)
    };
    let wanted = [field("a"), field("b")];
    folder.write(
        "x.json",
        r#"[[{"a": 1, "b": 2}, {"a": 3, "b": 4}], [{"b": 6, "a": 5}, {"a": 7, "b": 8}]]"#,
    );
    let nested = folder.read(&wanted);
    folder.write(
        "x.json",
        r#"{"a": [[1, 3], [5, 7]], "b": [[2, 4], [6, 8]]}"#,
    );
    assert_eq!(nested, folder.read(&wanted));
    let array = |at: usize| nested.arrays[at].clone().unwrap();
    assert_eq!(
        (array(0).shape, array(0).values),
        (vec![2, 2], vec![1, 3, 5, 7])
    );
    assert_eq!(array(1).values, [2, 4, 6, 8]);

    folder.write("x.json", r#"[[{"a": 1, "b": 2}], [{"a": 3}], [4]]"#);
    let told = folder.read(&wanted).problems;
    let places: Vec<&str> = told.iter().filter_map(|p| p.row.as_deref()).collect();
    assert_eq!(
        places,
        ["element [2, 0]", "element [1, 0]", "element [2, 0]"]
    );
    assert!(told.iter().all(|p| p.code == "I07"
        && p.help.as_deref()
            == Some("expected lists of lists of objects, or an object of lists of lists")));
}

/// A place in a list of objects is one of each field.
#[test]
fn the_field_of_a_wrong_number_is_told() {
    let folder = Folder::new("field");
    folder.write("x.json", r#"[{"a": 1, "b": 2}, {"a": 1.5, "b": 2}]"#);
    let field = |column| Wanted {
        column: Some(column),
        ..input(Type::Int, 1)
    };
    let told = folder.read(&[field("a"), field("b")]).problems;
    let [problem] = told.as_slice() else {
        panic!("{told:?}");
    };
    let place = (problem.row.as_deref(), problem.column.as_deref());
    assert_eq!(place, (Some("element [1]"), Some("field `a`")));
}

/// What NumPy wrote itself is told to be converted, into what this input is.
#[test]
fn elements_that_are_not_read() {
    let folder = Folder::new("elements");
    let told = |descr: &str, wanted: Wanted<'_>| {
        let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((head.len() as u16).to_le_bytes());
        bytes.extend(head.as_bytes());
        bytes.extend([0; 8]);
        folder.write("x.npy", bytes);
        let problem = folder.read(&[wanted]).problems.remove(0);
        format!("{} {}", problem.message, problem.help.unwrap_or_default())
    };
    let half = told("<f2", input(Type::Fix(16), 1));
    assert!(
        half.contains("`<f2` are not read") && half.contains("`x.astype(\"f8\")`"),
        "{half}"
    );
    assert!(told("<U2", text_input(8, 1)).contains("`x.astype(\"S\")`"));
    assert!(told("|O", input(Type::Int, 1)).contains("`x.astype(\"i8\")`"));
    assert!(told("|O", input(Type::Bits(1), 1)).contains("`x.astype(\"?\")`"));
    assert!(told("<f8", input(Type::Int, 2)).contains("1 axis"));
}
