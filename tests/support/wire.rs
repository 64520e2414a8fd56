//! Any method by its path: requests that are made from the descriptors, and messages as bytes.
#![allow(dead_code, reason = "each test target uses its part of it")]

use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost_types::{DescriptorProto, FileDescriptorSet};
use tollgate::proto::DESCRIPTORS;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// A method of the protos.
pub struct Method {
    pub path: String,
    pub input: DescriptorProto,
    /// Messages by their names.
    messages: Vec<DescriptorProto>,
}

/// All methods.
pub fn methods() -> Vec<Method> {
    let descriptors = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let ours = || descriptors.file.iter().filter(|file| file.package() == "tollgate.v1");
    let messages: Vec<DescriptorProto> =
        ours().flat_map(|file| file.message_type.clone()).collect();
    let mut methods = Vec::new();
    for service in ours().flat_map(|file| &file.service) {
        for method in &service.method {
            let name = method.input_type().trim_start_matches(".tollgate.v1.");
            let input = messages.iter().find(|message| message.name() == name).unwrap().clone();
            let path = format!("/tollgate.v1.{}/{}", service.name(), method.name());
            methods.push(Method { path, input, messages: messages.clone() });
        }
    }
    methods
}

impl Method {
    /// A request that names a workspace wherever it can, and nothing else.
    pub fn request(&self, workspace_id: &str) -> Vec<u8> {
        if let Some(bytes) = named(&self.input, workspace_id) {
            return bytes;
        }
        for field in &self.input.field {
            let inner = field.type_name().trim_start_matches(".tollgate.v1.");
            let inner = self.messages.iter().find(|message| message.name() == inner);
            if let Some(bytes) = inner.and_then(|inner| named(inner, workspace_id)) {
                return bytes_field(field.number(), &bytes);
            }
        }
        Vec::new()
    }

    /// Whether a request can name a workspace.
    pub fn names_workspace(&self) -> bool {
        !self.request("x").is_empty()
    }
}

/// The message with its field `workspace_id` alone, if it has one.
fn named(message: &DescriptorProto, workspace_id: &str) -> Option<Vec<u8>> {
    let field = message.field.iter().find(|field| field.name() == "workspace_id")?;
    Some(bytes_field(field.number(), workspace_id.as_bytes()))
}

fn bytes_field(number: i32, bytes: &[u8]) -> Vec<u8> {
    let mut field = Vec::new();
    prost::encoding::bytes::encode(number.unsigned_abs(), &bytes.to_vec(), &mut field);
    field
}

/// Messages as they are on the wire.
pub struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Bytes;
    type Decoder = Bytes;

    fn encoder(&mut self) -> Bytes {
        Bytes
    }

    fn decoder(&mut self) -> Bytes {
        Bytes
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}
