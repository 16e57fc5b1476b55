#include "base/sha256.h"

#include <gtest/gtest.h>

namespace mms {
namespace {

TEST(Sha256, GivesTheStandardsExamplesHoweverTheBytesCome) {
  // FIPS 180-2, B.1 and B.2.
  EXPECT_EQ(Sha256Of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 hash;
  hash.Update("abcdbcdecdefdefgefghfghighij");
  hash.Update("");
  hash.Update("hijkijkljklmklmnlmnomnopnopq");
  EXPECT_EQ(hash.Finish(), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

}  // namespace
}  // namespace mms
