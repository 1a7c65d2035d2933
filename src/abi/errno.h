// SPDX-License-Identifier: Apache-2.0
#pragma once

// The error numbers of the ABI. What a hypercall answers is part of its contract, often more exact
// than base's Error, so code that decides an answer returns Status<T>; code below it returns
// Result<T>, and to_errno() says what the guest sees by default.
// Source: xen/errno.h.

#include <cstdint>
#include <expected>

#include "abi/xen_public.h"
#include "base/outcome.h"
#include "base/result.h"

namespace socle::abi {

enum class Errno : std::int32_t {
  kEPERM = XEN_EPERM,
  kENOENT = XEN_ENOENT,
  kESRCH = XEN_ESRCH,
  kENXIO = XEN_ENXIO,
  kE2BIG = XEN_E2BIG,
  kEBADF = XEN_EBADF,
  kEAGAIN = XEN_EAGAIN,
  kENOMEM = XEN_ENOMEM,
  kEACCES = XEN_EACCES,
  kEFAULT = XEN_EFAULT,
  kEBUSY = XEN_EBUSY,
  kEEXIST = XEN_EEXIST,
  kEXDEV = XEN_EXDEV,
  kENODEV = XEN_ENODEV,
  kEINVAL = XEN_EINVAL,
  kENOSPC = XEN_ENOSPC,
  kERANGE = XEN_ERANGE,
  kENOSYS = XEN_ENOSYS,
  kEILSEQ = XEN_EILSEQ,
  kENODATA = XEN_ENODATA,
  kETIME = XEN_ETIME,
  kEOVERFLOW = XEN_EOVERFLOW,
  kEOPNOTSUPP = XEN_EOPNOTSUPP,
  kENOBUFS = XEN_ENOBUFS,
};

template <typename T = void>
using Status = Outcome<T, Errno>;

constexpr std::unexpected<Errno> refuse(Errno error) {
  return std::unexpected<Errno>(error);
}

constexpr Errno to_errno(Errno error) {
  return error;
}
constexpr Errno to_errno(Error error) {
  switch (error) {
    case Error::kNoMemory:
      return Errno::kENOMEM;
    case Error::kInvalid:
    case Error::kCorrupt:
    case Error::kTooLarge:
    case Error::kOutOfRange:
      return Errno::kEINVAL;
    case Error::kNotFound:
      return Errno::kENOENT;
    case Error::kExists:
      return Errno::kEEXIST;
    case Error::kBusy:
      return Errno::kEBUSY;
    case Error::kDenied:
      return Errno::kEPERM;
    case Error::kFault:
      return Errno::kEFAULT;
    case Error::kUnsupported:
      return Errno::kEOPNOTSUPP;
    case Error::kAgain:
      return Errno::kEAGAIN;
  }
  return Errno::kEINVAL;
}

// What a hypercall returns in x0.
constexpr std::int64_t to_result(Errno error) {
  return -static_cast<std::int64_t>(error);
}

}  // namespace socle::abi

// ABI_TRY(expression): the value of a Status or a Result, or an early return of the error number.
#define SOCLE_ABI_TRY_(name, ...)                                        \
  ({                                                                     \
    auto&& name = (__VA_ARGS__);                                         \
    if (!name.has_value()) [[unlikely]]                                  \
      return ::socle::abi::refuse(::socle::abi::to_errno(name.error())); \
    *::std::move(name);                                                  \
  })
#define ABI_TRY(...) SOCLE_ABI_TRY_(SOCLE_CONCAT(abi_try_, __COUNTER__), __VA_ARGS__)
