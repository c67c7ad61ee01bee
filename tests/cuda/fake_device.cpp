// A CUDA device that computes nothing: enough of PyTorch's device interfaces for a build without CUDA to keep tensors "on" it while
// FakeTensorMode stands in for its kernels. Loaded by `fake_device.py` into a process of its own, never into that of the tests.
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/GeneratorImpl.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace {

const c10::Device ONLY(c10::DeviceType::CUDA, 0);

// Streams and the current device, which autograd and every copy ask for: there is one of each.
struct OneDevice final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return c10::DeviceType::CUDA; }
  c10::Device getDevice() const override { return ONLY; }
  c10::Device exchangeDevice(c10::Device) const override { return ONLY; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return stream(); }
  c10::Stream getNewStream(c10::Device, int) const override { return stream(); }
  c10::Stream exchangeStream(c10::Stream) const override { return stream(); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  static c10::Stream stream() { return c10::Stream(c10::Stream::DEFAULT, ONLY); }
};

// Draws nothing; remembers its seed, as rules that draw noise on the device expect.
struct Seeded final : c10::GeneratorImpl {
  Seeded() : GeneratorImpl(ONLY, c10::DispatchKeySet(c10::DispatchKey::CUDA)) {}
  void set_current_seed(uint64_t seed) override { seed_ = seed; }
  uint64_t current_seed() const override { return seed_; }
  uint64_t seed() override { return seed_; }
  void set_offset(uint64_t) override {}
  uint64_t get_offset() const override { return 0; }
  void set_state(const c10::TensorImpl&) override {}
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override { TORCH_CHECK(false, "the device is not real: no state of its generator"); }
  GeneratorImpl* clone_impl() const override { return new Seeded(*this); }
  uint64_t seed_ = 0;

 private:
  Seeded(const Seeded& other) : GeneratorImpl(ONLY, c10::DispatchKeySet(c10::DispatchKey::CUDA)), seed_(other.seed_) {}
};

struct CUDAHooks final : at::CUDAHooksInterface {
  explicit CUDAHooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  bool isPinnedPtr(const void*) const override { return false; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
  at::Generator getNewGenerator(c10::DeviceIndex) const override { return at::make_generator<Seeded>(); }
};

}  // namespace

// The macros name their interfaces without a namespace, and PyTorch looks for the hooks by the name of their class.
namespace c10 {
C10_REGISTER_GUARD_IMPL(CUDA, OneDevice)
}
namespace at {
REGISTER_CUDA_HOOKS(CUDAHooks)
}
