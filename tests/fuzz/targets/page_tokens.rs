//! Page tokens of every list: those that the server gave, and any others.
//!
//! The first byte chooses the list, the second what follows: the token itself, the position inside
//! of a token of this list, or a token of another list.

use std::cell::OnceCell;

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FileDescriptorSet};
use tollgate::proto::DESCRIPTORS;
use tonic::{Code, Status};

use super::first;
use super::prepared::{self, ACME, ENTRIES, Prepared};
use crate::wire::{Method, methods};

/// Far more than any position needs.
const TOKEN_BYTES_MAX: usize = 4_096;
const PAGE_SIZE_MAX: i64 = 1_000;

/// A list, with everything in it.
struct List {
    method: Method,
    /// Numbers of fields of its answers.
    next_page_token: u32,
    entry: u32,
    /// Texts and numbers of its request, beside the page.
    filter: Vec<u8>,
    entries: Vec<Vec<u8>>,
    /// The token behind the first entry.
    token: String,
}

struct Page {
    entries: Vec<Vec<u8>>,
    next_page_token: String,
}

pub fn run(bytes: &[u8]) {
    thread_local! {
        static LISTS: OnceCell<Vec<List>> = const { OnceCell::new() };
    }
    prepared::with(|prepared| {
        LISTS.with(|lists| {
            let lists = lists.get_or_init(|| lists_of(prepared));
            let (choice, rest) = first(bytes);
            let list = &lists[choice % lists.len()];
            let (kind, rest) = first(rest);
            match kind % 3 {
                0 => check(prepared, list, &String::from_utf8_lossy(rest), kind),
                1 => check(prepared, list, &list.token_at(rest), kind),
                _ => {
                    let (other, _) = first(rest);
                    let other = &lists[other % lists.len()];
                    if other.method.path != list.method.path {
                        let page = list.page(prepared, &other.token, PAGE_SIZE_MAX);
                        let code = page.err().map(|status| status.code());
                        assert_eq!(code, Some(Code::InvalidArgument), "{}", list.method.path);
                    }
                }
            }
        });
    });
}

/// A token is refused, or goes on somewhere in the list and comes to its end.
fn check(prepared: &mut Prepared, list: &List, token: &str, kind: usize) {
    let path = &list.method.path;
    let page = match list.page(prepared, token, PAGE_SIZE_MAX) {
        Ok(page) => page,
        Err(status) => {
            assert_eq!(status.code(), Code::InvalidArgument, "{path}: {status:?}");
            return;
        }
    };
    assert!(page.next_page_token.is_empty(), "{path}: all fits into one page");
    let is_end = list.entries.ends_with(&page.entries);
    assert!(is_end, "{path}: {} entries that are not its end", page.entries.len());
    // The same in pages.
    let size = 1 + i64::try_from(kind / 3 % 2).expect("a small number");
    let mut entries = Vec::new();
    let mut token = token.to_owned();
    while entries.len() <= list.entries.len() {
        let page = list.page(prepared, &token, size).expect("the same token was taken");
        entries.extend(page.entries);
        token = page.next_page_token;
        assert!(token.len() <= TOKEN_BYTES_MAX, "{path}: {} bytes", token.len());
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(entries, page.entries, "{path}: pages are the whole");
}

impl List {
    fn page(&self, prepared: &mut Prepared, token: &str, size: i64) -> Result<Page, Status> {
        let mut request = self.filter.clone();
        put(&mut request, &self.method.input, "page_size", Err(size));
        put(&mut request, &self.method.input, "page_token", Ok(token));
        let answer = prepared.open.call(&self.method.path, &[], request);
        let answer = prepared.runtime.block_on(answer)?;
        let mut page = Page { entries: Vec::new(), next_page_token: String::new() };
        for (number, value) in fields(&answer[0]) {
            if number == self.entry {
                page.entries.push(value);
            } else if number == self.next_page_token {
                page.next_page_token = String::from_utf8(value).expect("a token is a text");
            }
        }
        Ok(page)
    }

    /// A token of this list, with another position.
    fn token_at(&self, position: &[u8]) -> String {
        let bytes: Vec<u8> = (0..self.token.len() / 2)
            .map(|at| u8::from_str_radix(&self.token[2 * at..2 * at + 2], 16).expect("hex"))
            .collect();
        // Version and filter.
        let dots = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'.');
        let (end, _) = { dots }.nth(1).expect("a position");
        let whole = bytes[..=end].iter().chain(position);
        whole.map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Every list of the protos, each with more than one entry.
fn lists_of(prepared: &mut Prepared) -> Vec<List> {
    let descriptors = FileDescriptorSet::decode(DESCRIPTORS).expect("descriptors");
    let messages: Vec<&DescriptorProto> =
        descriptors.file.iter().flat_map(|file| &file.message_type).collect();
    let mut lists = Vec::new();
    for method in methods() {
        let name = method.input.name().replace("Request", "Response");
        let has_page = method.input.field.iter().any(|field| field.name() == "page_token");
        let output = messages.iter().find(|message| message.name() == name);
        let Some(output) = output.filter(|_| has_page) else { continue };
        let entry = output
            .field
            .iter()
            .find(|field| field.label() == Label::Repeated && field.r#type() == Type::Message);
        let mut filter = Vec::new();
        put(&mut filter, &method.input, "workspace_id", Ok(ACME));
        // Of entries of the directory users, of recommendations models.
        put(&mut filter, &method.input, "kind", Err(1));
        if method.path.ends_with("/ListModelPrices") {
            filter.clear();
            put(&mut filter, &method.input, "model_id", Ok("m-0"));
        }
        let mut list = List {
            next_page_token: number_of(output, "next_page_token").expect("it has pages"),
            entry: entry.expect("it has entries").number().unsigned_abs(),
            method,
            filter,
            entries: Vec::new(),
            token: String::new(),
        };
        let path = list.method.path.clone();
        let failed = |status: Status| -> Page { panic!("{path}: {status:?}") };
        list.entries = list.page(prepared, "", PAGE_SIZE_MAX).unwrap_or_else(failed).entries;
        assert!(list.entries.len() >= ENTRIES, "{path}: {} entries", list.entries.len());
        list.token = list.page(prepared, "", 1).unwrap_or_else(failed).next_page_token;
        lists.push(list);
    }
    assert_eq!(lists.len(), 29, "lists of the protos");
    lists
}

fn number_of(message: &DescriptorProto, name: &str) -> Option<u32> {
    let field = message.field.iter().find(|field| field.name() == name)?;
    Some(field.number().unsigned_abs())
}

/// Adds a field with a text or a number, if the message has it.
fn put(bytes: &mut Vec<u8>, message: &DescriptorProto, name: &str, value: Result<&str, i64>) {
    let Some(number) = number_of(message, name) else { return };
    match value {
        Ok(text) => {
            encode_key(number, WireType::LengthDelimited, bytes);
            encode_varint(text.len() as u64, bytes);
            bytes.extend_from_slice(text.as_bytes());
        }
        Err(count) => {
            encode_key(number, WireType::Varint, bytes);
            encode_varint(count.cast_unsigned(), bytes);
        }
    }
}

/// The fields of a message that have a length; others are passed over.
fn fields(mut bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
    let mut fields = Vec::new();
    let broken = "an answer is a message";
    while !bytes.is_empty() {
        let (number, wire_type) = prost::encoding::decode_key(&mut bytes).expect(broken);
        match wire_type {
            WireType::LengthDelimited => {
                let length = prost::encoding::decode_varint(&mut bytes).expect(broken);
                let (value, rest) = bytes.split_at(usize::try_from(length).expect(broken));
                fields.push((number, value.to_vec()));
                bytes = rest;
            }
            WireType::Varint => {
                prost::encoding::decode_varint(&mut bytes).expect(broken);
            }
            _ => panic!("{broken}"),
        }
    }
    fields
}
