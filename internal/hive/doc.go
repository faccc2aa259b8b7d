// Package hive reads registry hives of Windows, the files SYSTEM and SOFTWARE
// among them.
//
// The format is described in "Windows registry file format specification" by
// Maxim Suhanov, and in "Windows NT Registry File (REGF) format" of libregf. A
// hive is a base block of 4096 bytes, and behind it cells in bins: those of
// keys ("nk"), lists of keys ("lf", "lh", "li", and "ri" of these), values
// ("vk") and their data, which refer to each other by offset.
//
// A hive that Windows had open may be older than the logs beside it, which are
// not read: see [Hive.Clean]. Memory and work are bounded by what the hive can
// hold, whatever its cells claim.
package hive
