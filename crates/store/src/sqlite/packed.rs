//! The documents that a run is made with, packed into one cell.
//!
//! They say much the same twice, the inputs and what is made of them, and written out they take a page of the database
//! for each run: packed, several runs share one, and less is synced, checkpointed and kept.

/// Which documents are packed, by their columns and in this order.
pub(super) const COLUMNS: [&str; 5] = [
    "properties",
    "raw_properties",
    "trigger_",
    "entity",
    "payload",
];

/// The texts of [`COLUMNS`].
pub(super) type Packed<T> = [Option<T>; COLUMNS.len()];

/// Fewer bytes would not make a row much smaller.
const MIN_BYTES: usize = 512;
/// What no JSON text contains: control characters are escaped there, and white space is none of it.
const BETWEEN: u8 = 0;
/// How many bytes one byte of an LZ4 block can stand for (the format's lengths grow by 255 with each byte).
const MAX_RATIO: usize = 255;

/// The texts as one block; none where that is hardly smaller.
pub(super) fn pack(texts: Packed<&str>) -> Option<Vec<u8>> {
    let bytes: usize = texts.iter().flatten().map(|text| text.len() + 1).sum();
    let is_divisible = |text: &&str| memchr::memchr(BETWEEN, text.as_bytes()).is_none();
    if bytes < MIN_BYTES || !texts.iter().flatten().all(is_divisible) {
        return None;
    }
    let mut plain = Vec::with_capacity(bytes + COLUMNS.len());
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            plain.push(BETWEEN);
        }
        plain.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
    let packed = lz4_flex::block::compress_prepend_size(&plain);
    (packed.len() < plain.len() / 4 * 3).then_some(packed)
}

/// The texts of a block; what is wrong with it where [`pack`] has not made it.
pub(super) fn unpack(packed: &[u8]) -> Result<Packed<String>, String> {
    let (bytes, block) =
        lz4_flex::block::uncompressed_size(packed).map_err(|error| error.to_string())?;
    if bytes > block.len().saturating_mul(MAX_RATIO) {
        return Err(format!("{bytes} bytes cannot be packed in {}", block.len()));
    }
    let plain = lz4_flex::block::decompress(block, bytes).map_err(|error| error.to_string())?;
    if plain.len() != bytes {
        return Err(format!("{} bytes where {bytes} were packed", plain.len()));
    }
    let plain = String::from_utf8(plain).map_err(|_| "not UTF-8".to_owned())?;
    let mut texts = plain.split(char::from(BETWEEN));
    let unpacked = [(); COLUMNS.len()].map(|()| texts.next());
    if unpacked.contains(&None) || texts.next().is_some() {
        return Err(format!("not {} documents", COLUMNS.len()));
    }
    Ok(unpacked.map(|text| text.filter(|text| !text.is_empty()).map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(service: &str) -> String {
        format!(
            "{{\"service\":\"{service}\",\"notes\":\"{}\"}}",
            "as ever ".repeat(80)
        )
    }

    #[test]
    fn documents_come_back_as_they_were_and_take_less_room() {
        let (inputs, payload) = (long("checkout"), long("zażółć \\u0000"));
        let texts = [Some(&*inputs), None, Some("{}"), None, Some(&*payload)];
        let packed = pack(texts).expect("packed");
        assert!(packed.len() * 2 < inputs.len() + payload.len());
        let unpacked = unpack(&packed).expect("unpacked");
        assert_eq!(unpacked.each_ref().map(Option::as_deref), texts);
    }

    #[test]
    fn short_documents_and_those_that_hardly_shrink_stay_as_they_are() {
        assert_eq!(pack([Some("{}"), None, Some("{}"), None, None]), None);
        let mut state = 1u64;
        let noise: String = std::iter::repeat_with(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'!' + u8::try_from(state >> 58).unwrap_or(0))
        })
        .take(4_096)
        .collect();
        assert_eq!(pack([Some(&noise), None, Some("{}"), None, None]), None);
    }

    #[test]
    fn what_was_not_packed_is_told_and_takes_no_memory() {
        let whole = pack([Some(&long("a")), None, Some("{}"), None, None]).expect("packed");
        for end in 0..whole.len() {
            assert!(unpack(&whole[..end]).is_err(), "{end}");
        }
        let mut huge = whole;
        huge[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(unpack(&huge).unwrap_err().contains("cannot be packed"));
        let other = |plain: &str| lz4_flex::block::compress_prepend_size(plain.as_bytes());
        let between = "\0".repeat(COLUMNS.len());
        for plain in ["{}", "{}\0\0\0", &*between] {
            let problem = unpack(&other(plain)).unwrap_err();
            assert_eq!(problem, "not 5 documents", "{plain:?}");
        }
        let not_text = lz4_flex::block::compress_prepend_size(b"\xff\0\0\0\0");
        assert_eq!(unpack(&not_text).unwrap_err(), "not UTF-8");
    }
}
