//! Generated protobuf types and gRPC stubs. They stay at the edge: `quorate-rpc` turns them into
//! the domain's types, and nothing else reads them.

/// Package `quorate.v1`: operators, aggregators and agents.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod v1 {
    tonic::include_proto!("quorate.v1");
}

/// The encoded `FileDescriptorSet` of all packages, for gRPC server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/quorate.bin"));

/// Bytes of an encoded vote (docs/formats.md, section 9).
pub const VOTE_BYTES: usize = 372;
/// Most entries that one `OutcomePart` holds.
pub const PART_ENTRIES: usize = 256;
/// Bytes of one entry of an outcome's list (docs/formats.md, section 7).
pub const ENTRY_BYTES: usize = 49;
/// The largest legal message: a full `OutcomePart`, its other fields, tags and lengths included.
pub const LARGEST_MESSAGE: usize = PART_ENTRIES * ENTRY_BYTES + 64;
/// What a decoder accepts at most: twice the largest legal message.
pub const DECODE_LIMIT: usize = 2 * LARGEST_MESSAGE;

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    #[test]
    fn the_largest_part_fits_its_limit() {
        let part = v1::OutcomePart {
            header_digest: vec![0xff; 32],
            index: u32::MAX,
            count: u32::MAX,
            lowest: u32::MAX,
            entries: vec![0xff; PART_ENTRIES * ENTRY_BYTES],
        };
        assert!(
            part.encoded_len() <= LARGEST_MESSAGE,
            "{}",
            part.encoded_len()
        );
        assert_eq!(
            v1::OutcomePart::decode(part.encode_to_vec().as_slice()),
            Ok(part)
        );
    }

    #[test]
    fn descriptors_name_the_service() {
        let set = prost_types::FileDescriptorSet::decode(DESCRIPTORS).expect("descriptors decode");
        let service = set
            .file
            .iter()
            .flat_map(|file| &file.service)
            .find(|service| service.name() == "Aggregator")
            .expect("the service is described");
        let methods: Vec<_> = service
            .method
            .iter()
            .map(|method| method.name().to_owned())
            .collect();
        assert_eq!(methods, ["SubmitVote", "SubmitOutcome", "GetRound"]);
    }
}
