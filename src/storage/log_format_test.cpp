#include "storage/log_format.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/random.h"

namespace sextant {
namespace {

constexpr std::uint64_t kSalt = 0x5a17'5a17'5a17'5a17;
const std::string kId = "0123456789abcdef";

std::string encoded(std::span<const LogEntry> entries,
                    GroupHeader header = {
                        .epoch = 1, .first_sequence = 8, .previous = 7, .durable_through = 5}) {
  AlignedBuffer buffer;
  EXPECT_TRUE(encode_group(header, entries, kSalt, buffer));
  return std::string(buffer.view());
}

std::string three_entries() {
  const std::string vectors(100, 'v');
  const std::vector<LogEntry> entries = {
      {"first", vectors}, {"", {}}, {"third record", {vectors.data(), 64}}};
  return encoded(entries);
}

/// Makes both checksums right again.
std::string sealed(std::string group) {
  const auto put = [&](std::size_t offset, std::uint64_t value) {
    std::memcpy(group.data() + offset, &value, 8);
  };
  const auto size = std::min<std::uint64_t>(load_le<std::uint64_t>(group, 8), group.size());
  if (size >= kGroupHeaderBytes) put(48, xxh3(std::string_view(group).substr(64, size - 64), kSalt));
  put(56, xxh3(std::string_view(group).substr(0, 56), kSalt));
  return group;
}

template <typename T>
std::string with(std::string group, std::size_t offset, T value) {
  std::memcpy(group.data() + offset, &value, sizeof(value));
  return sealed(std::move(group));
}

TEST(LogFormat, AGroupDecodesToWhatWasEncoded) {
  AlignedBuffer buffer;
  const std::string vectors(100, 'v');
  const std::vector<LogEntry> entries = {
      {"first", vectors}, {"", {}}, {"third record", {vectors.data(), 64}}};
  const GroupHeader header{.epoch = 3, .first_sequence = 12, .previous = 10, .durable_through = 9};
  ASSERT_TRUE(encode_group(header, entries, kSalt, buffer));
  EXPECT_EQ(buffer.view().size(), group_size(entries).value());
  EXPECT_EQ(buffer.view().size() % kLogAlignment, 0U);
  const LogGroup group = decode_group(buffer.view(), kSalt).value();
  EXPECT_EQ(group.epoch, 3U);
  EXPECT_EQ(group.first_sequence, 12U);
  EXPECT_EQ(group.previous, 10U);
  EXPECT_EQ(group.durable_through, 9U);
  ASSERT_EQ(group.entries.size(), 3U);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(group.entries[i].record, entries[i].record);
    EXPECT_EQ(group.entries[i].vectors, entries[i].vectors);
    EXPECT_TRUE(group.entries[i].vectors.empty() ||
                reinterpret_cast<std::uintptr_t>(group.entries[i].vectors.data()) % kLogAlignment == 0);
  }
}

TEST(LogFormat, BytesOfAUsedBufferDoNotLeakIntoAGroup) {
  AlignedBuffer buffer;
  buffer.reset(4096);
  std::memset(buffer.data(), 0xEE, 4096);
  const LogEntry entry{.record = "r", .vectors = "v"};
  const GroupHeader header{.epoch = 1, .first_sequence = 8, .previous = 7, .durable_through = 5};
  ASSERT_TRUE(encode_group(header, {&entry, 1}, kSalt, buffer));
  EXPECT_EQ(buffer.view(), encoded({&entry, 1}));
}

// The bytes of version 1, as docs/format.md describes them.
TEST(LogFormat, KeepsTheBytesOfVersion1) {
  const LogEntry entry{.record = "record", .vectors = "vvvv"};
  const std::string group = encoded({&entry, 1});
  std::string expected("SXG\1", 4);
  append_le<std::uint32_t>(expected, 1);
  for (const std::uint64_t value : {192, 1, 8, 7, 5}) append_le(expected, value);
  std::string body;
  append_le<std::uint64_t>(body, 6);
  append_le<std::uint64_t>(body, 4);
  body += "record";
  body.resize(64);
  body += "vvvv";
  body.resize(128);
  append_le(expected, xxh3(body, kSalt));
  append_le(expected, xxh3(expected, kSalt));
  EXPECT_EQ(to_hex(group), to_hex(expected + body));

  const std::string header =
      encode_file_header({.number = 3, .salt = kSalt, .database_id = kId, .first_sequence = 77});
  std::string expected_header("SXTLOG\0\1", 8);
  append_le<std::uint32_t>(expected_header, 1);
  append_le<std::uint32_t>(expected_header, 64);
  append_le<std::uint64_t>(expected_header, 3);
  append_le(expected_header, kSalt);
  expected_header += kId;
  append_le<std::uint64_t>(expected_header, 77);
  append_le(expected_header, xxh3(expected_header));
  EXPECT_EQ(to_hex(header), to_hex(expected_header));
  EXPECT_EQ(header.size(), kLogFileHeaderBytes);

  std::string expected_trim("SXTTRIM\1", 8);
  append_le<std::uint64_t>(expected_trim, 9);
  append_le(expected_trim, xxh3(expected_trim));
  EXPECT_EQ(to_hex(encode_trim(9)), to_hex(expected_trim));
}

TEST(LogFormat, AnotherSaltDoesNotDecode) {
  const std::string group = three_entries();
  EXPECT_TRUE(decode_group(group, kSalt));
  EXPECT_FALSE(decode_group(group, kSalt + 1));
  EXPECT_FALSE(decode_group_header(group, kSalt + 1));
}

TEST(LogFormat, AnyChangedByteIsNoticed) {
  const std::string group = three_entries();
  for (std::size_t i = 0; i < group.size(); ++i) {
    std::string changed = group;
    changed[i] = static_cast<char>(changed[i] ^ 0x20);
    const auto decoded = decode_group(changed, kSalt);
    ASSERT_FALSE(decoded) << i;
    EXPECT_EQ(decoded.error().code, ErrorCode::kDamaged);
  }
  const std::string header =
      encode_file_header({.number = 3, .salt = kSalt, .database_id = kId, .first_sequence = 77});
  EXPECT_EQ(decode_file_header(header)->first_sequence, 77U);
  for (std::size_t i = 0; i < header.size(); ++i) {
    std::string changed = header;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(decode_file_header(changed).error().code, ErrorCode::kDamaged) << i;
  }
}

TEST(LogFormat, AnyPrefixIsRefused) {
  const std::string group = three_entries();
  for (std::size_t size = 0; size < group.size(); ++size) {
    // A copy of exactly this size, so that a sanitizer sees any byte read behind it.
    const std::vector<char> bytes(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_group({bytes.data(), bytes.size()}, kSalt)) << size;
    EXPECT_FALSE(decode_file_header({bytes.data(), bytes.size()}));
    EXPECT_FALSE(decode_trim({bytes.data(), bytes.size()}));
  }
  EXPECT_TRUE(decode_group(group + "more", kSalt));
}

// Lengths that lie behind right checksums: a decoder must not believe them.
TEST(LogFormat, HostileLengthsAreRefused) {
  const std::string group = three_entries();
  ASSERT_TRUE(decode_group(sealed(group), kSalt));
  const std::uint64_t huge[] = {1,
                                63,
                                65,
                                1ULL << 31U,
                                1ULL << 32U,
                                1ULL << 63U,
                                std::numeric_limits<std::uint64_t>::max(),
                                std::numeric_limits<std::uint64_t>::max() - 63,
                                group.size() + 64,
                                group.size() - 64};
  for (const std::uint64_t value : huge) {
    EXPECT_FALSE(decode_group(with(group, 8, value), kSalt)) << "group of " << value << " bytes";
    for (const std::size_t place : {64U, 72U, 80U, 88U, 96U, 104U}) {
      // Three entries: the lengths of records and vectors. Some single bytes more may fit into padding, so
      // only what cannot fit must be refused; nothing may be read beyond the group.
      const auto decoded = decode_group(with(group, place, value), kSalt);
      if (value > group.size()) {
        EXPECT_FALSE(decoded) << "length at " << place << " is " << value;
      }
    }
  }
  for (const std::uint32_t count : {0U, 1U, 2U, 4U, 1000U, 0xFFFF'FFFFU}) {
    EXPECT_FALSE(decode_group(with(group, 4, count), kSalt)) << count << " entries";
  }
}

TEST(LogFormat, ContradictingSequencesAreRefused) {
  const std::string group = three_entries();
  EXPECT_FALSE(decode_group_header(with<std::uint64_t>(group, 24, 7), kSalt))
      << "begins with what came before it";
  EXPECT_FALSE(decode_group_header(with<std::uint64_t>(group, 40, 8), kSalt)) << "durable through itself";
  EXPECT_FALSE(decode_group_header(with(group, 24, std::numeric_limits<std::uint64_t>::max()), kSalt))
      << "overflows";
}

TEST(LogFormat, RandomBytesBehindRightChecksumsAreNoDanger) {
  SeededRandom random(7);
  const std::string group = three_entries();
  for (int round = 0; round < 20'000; ++round) {
    std::string changed = group;
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      changed[4 + random.below(110)] = static_cast<char>(random.next());
    }
    changed = sealed(std::move(changed));
    const std::vector<char> bytes(changed.begin(), changed.end());
    const auto decoded = decode_group({bytes.data(), bytes.size()}, kSalt);
    if (!decoded) continue;
    for (const LogEntry& entry : decoded->entries) {
      for (const std::string_view view : {entry.record, entry.vectors}) {
        EXPECT_GE(view.data(), bytes.data());
        EXPECT_LE(view.data() + view.size(), bytes.data() + bytes.size());
      }
    }
  }
}

TEST(LogFormat, TooLargeGroupsAreRefusedBeforeAnythingIsCopied) {
  const char byte = 'x';
  const auto of = [&](std::uint64_t record, std::uint64_t vectors) {
    return std::vector<LogEntry>{{{&byte, record}, {&byte, vectors}}, {{&byte, 1}, {&byte, 1}}};
  };
  EXPECT_TRUE(group_size(of(1000, 1000)));
  for (const std::uint64_t size : {1ULL << 28U, 1ULL << 62U, (1ULL << 63U) - 1}) {
    EXPECT_EQ(group_size(of(size, 1)).error().code, ErrorCode::kPayloadTooLarge);
    EXPECT_EQ(group_size(of(1, size)).error().code, ErrorCode::kPayloadTooLarge);
    AlignedBuffer buffer;
    EXPECT_EQ(encode_group({.first_sequence = 1}, of(1, size), kSalt, buffer).error().code,
              ErrorCode::kPayloadTooLarge);
  }
}

}  // namespace
}  // namespace sextant
