#ifndef GRAFLOW_MEMORY_H
#define GRAFLOW_MEMORY_H

// graflow_guard_memory has objects fail quickly once memory has run out, and their
// MemoryError find room to be handled in. It is called before the interpreter is
// initialized.
void graflow_guard_memory(void);

// graflow_reserve_memory sets that room aside, where it was used up.
void graflow_reserve_memory(void);

#endif
