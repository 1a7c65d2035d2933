// SPDX-License-Identifier: Apache-2.0

// A module for Linux as dom0: maps on-chip memory as ordinary memory, as a driver that runs code
// there would, and uses it so: unaligned and exclusive accesses, code. One line in the kernel's
// log:
//   memory_use: unaligned 1 exclusive 42 code 42
//
// Built without the kernel's headers (build.sh): what it needs of the kernel is here. 4 KiB pages
// and a CPU with 48 bits of virtual address. MEMORY is where the memory is; IOREMAP, what this
// kernel calls its function; LINEAR_MAP, where its map of all memory begins (PAGE_OFFSET).

typedef unsigned long u64;

int _printk(const char* format, ...);
void* IOREMAP(u64 physical, u64 size, u64 protection);
void iounmap(volatile void* address);
extern long memstart_addr;  // the physical address that the linear map begins with

#define ADDRESS 0x0000fffffffff000ul
#define PXN (1ul << 53)
#define UXN (1ul << 54)
// Normal write-back memory (index 0 of Linux's MAIR_EL1), inner shareable, accessed, dirty,
// writable.
#define MEMORY_PAGE (3ul | 3ul << 8 | 1ul << 10 | 1ul << 51 | PXN | UXN | 1ul << 55)

// Linux maps what it maps so never executable; a driver would have its own way.
static void make_executable(char* page) {
  u64 table;
  asm volatile("mrs %0, ttbr1_el1" : "=r"(table));
  for (int shift = 39;; shift -= 9) {
    u64* entry = (u64*)((table & ADDRESS) - (u64)memstart_addr + LINEAR_MAP);
    entry += (u64)page >> shift & 511;
    if (shift == 12) {
      *(volatile u64*)entry &= ~PXN;
      break;
    }
    table = *entry;
  }
  asm volatile(
      "dsb ish\n\ttlbi vaae1is, %0\n\tdsb ish\n\tisb" ::"r"((u64)page >> 12 & 0xfffffffffff)
      : "memory");
}

static int unaligned(volatile char* page) {
  const u64 value = 0x1122334455667788;
  u64 back = 0;
  asm volatile("str %1, [%2]\n\tldr %0, [%2]"
               : "=&r"(back)
               : "r"(value), "r"(page + 0x10b)
               : "memory");
  return back == value;
}

static int exclusive(volatile char* page) {
  u64 value = 0;
  unsigned failed = 1;
  asm volatile("str %0, [%1]" ::"r"(40ul), "r"(page + 0x200) : "memory");
  for (int tries = 0; failed != 0 && tries < 1000; ++tries) {
    asm volatile("ldaxr %0, [%2]\n\tadd %0, %0, #2\n\tstlxr %w1, %0, [%2]"
                 : "=&r"(value), "=&r"(failed)
                 : "r"(page + 0x200)
                 : "memory");
  }
  asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(page + 0x200) : "memory");
  return failed != 0 ? -1 : (int)value;
}

static int code(volatile char* page) {
  volatile unsigned* at = (volatile unsigned*)(page + 0x800);
  at[0] = 0xd503245f;  // bti c
  at[1] = 0x52800540;  // mov w0, #42
  at[2] = 0xd65f03c0;  // ret
  asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
  return ((int (*)(void))at)();
}

int init_module(void) {
  char* page = IOREMAP(MEMORY, 4096, MEMORY_PAGE);
  if (page == 0) return -12;
  const int is_unaligned = unaligned(page);
  const int sum = exclusive(page);
  make_executable(page);
  _printk("\0016memory_use: unaligned %d exclusive %d code %d\n", is_unaligned, sum, code(page));
  iounmap(page);
  return 0;
}
