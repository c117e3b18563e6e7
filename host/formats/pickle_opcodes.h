// The opcodes of Python's pickle (protocols 2 to 5) that occur in state dicts; names as in Python's
// pickletools.
#pragma once

#include <cstdint>

namespace sramsim::pickle::op {

inline constexpr uint8_t kProto = 0x80, kFrame = 0x95, kStop = '.';
inline constexpr uint8_t kNone = 'N', kNewTrue = 0x88, kNewFalse = 0x89;
inline constexpr uint8_t kBinInt = 'J', kBinInt1 = 'K', kBinInt2 = 'M', kLong1 = 0x8a, kBinFloat = 'G';
inline constexpr uint8_t kBinUnicode = 'X', kShortBinUnicode = 0x8c, kBinUnicode8 = 0x8d;
inline constexpr uint8_t kBinString = 'T', kShortBinString = 'U';  // Python 2's text
inline constexpr uint8_t kMark = '(', kPop = '0';
inline constexpr uint8_t kEmptyDict = '}', kEmptyList = ']', kEmptyTuple = ')';
inline constexpr uint8_t kTuple = 't', kTuple1 = 0x85, kTuple2 = 0x86, kTuple3 = 0x87;
inline constexpr uint8_t kAppend = 'a', kAppends = 'e', kSetItem = 's', kSetItems = 'u';
inline constexpr uint8_t kBinPut = 'q', kLongBinPut = 'r', kMemoize = 0x94, kBinGet = 'h', kLongBinGet = 'j';
inline constexpr uint8_t kGlobal = 'c', kStackGlobal = 0x93, kReduce = 'R', kBuild = 'b', kBinPersId = 'Q';

}  // namespace sramsim::pickle::op
