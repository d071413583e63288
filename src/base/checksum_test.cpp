#include "base/checksum.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace sextant {
namespace {

TEST(Checksum, Xxh3OfNothingIsThePublishedValue) { EXPECT_EQ(xxh3(""), 0x2D06800538D394C2ULL); }

TEST(Checksum, SeedsAndBytesChangeIt) {
  EXPECT_NE(xxh3("sextant"), xxh3("sextanT"));
  EXPECT_NE(xxh3("sextant"), xxh3("sextant", 1));
}

TEST(Checksum, APiecewiseChecksumIsThatOfTheWhole) {
  SeededRandom random(3);
  for (const std::uint64_t seed : {0ULL, 7ULL}) {
    for (int round = 0; round < 50; ++round) {
      std::string whole;
      ChecksumStream stream(seed);
      for (std::uint64_t pieces = random.below(6); pieces > 0; --pieces) {
        const std::string piece(random.below(700), static_cast<char>('a' + pieces));
        stream.update(piece);
        whole += piece;
        ASSERT_EQ(stream.digest(), xxh3(whole, seed)) << "a digest may be taken in between";
      }
      ASSERT_EQ(stream.digest(), xxh3(whole, seed));
    }
  }
}

TEST(Checksum, Sha256AgreesWithFips180) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

}  // namespace
}  // namespace sextant
