// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/detail/state_file.hpp"

#include <array>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "cafreg/detail/atomic_file.hpp"
#include "cafreg/errc.hpp"
#include "cafreg/json.hpp"
#include "cafreg/value.hpp"

namespace cafreg::detail {

namespace {

using value = caf::config_value;

constexpr std::string_view leaves_key = "leaves";

constexpr std::string_view format = "1";

/// What JSON begins with that is indented, and is replaced by the header.
constexpr std::string_view begin_of_json = "{\n";

/// What the header begins with in any format.
constexpr std::string_view begin_of_header = "{\n  \"cafreg\": {\"format\": ";

caf::error bad_file(std::string text) {
  return cafreg::make_error(errc::bad_file, std::move(text));
}

caf::error refused_file(const std::string& file, std::string_view reason) {
  return bad_file("file " + file + ": refused: " + std::string{reason});
}

/// FNV-1a: each step is a bijection, so that no change of one byte goes unseen.
uint64_t checksum(std::string_view text) noexcept {
  uint64_t result = 0xcbf29ce484222325u;
  for (auto c : text)
    result = (result ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return result;
}

std::string header(std::string_view body) {
  std::array<char, 17> sum;
  std::snprintf(sum.data(), sum.size(), "%016llx",
                static_cast<unsigned long long>(checksum(body)));
  std::string result{begin_of_header};
  result += format;
  result += ", \"bytes\": ";
  result += std::to_string(body.size());
  result += ", \"checksum\": \"";
  result += sum.data();
  result += "\"},\n";
  return result;
}

// -- saving -------------------------------------------------------------------

/// Adds a leaf to a tree of dictionaries.
/// @returns false if there is a leaf on its way, or something in its place.
bool add_leaf(value::dictionary& root, const path& where, const value& leaf) {
  auto* dict = &root;
  for (size_t i = 0; i + 1 < where.size(); ++i) {
    auto [pos, added] = dict->container().try_emplace(where[i]);
    if (added)
      pos->second = value{value::dictionary{}};
    dict = caf::get_if<value::dictionary>(&pos->second);
    if (dict == nullptr)
      return false;
  }
  return dict->container().try_emplace(where.back(), leaf).second;
}

caf::error check_depth(const path& where, const value& leaf) {
  if (where.empty())
    return cafreg::make_error(errc::bad_path, "a leaf without a key");
  if (where.size() > max_state_depth
      || value_depth(leaf) > max_state_depth - where.size())
    return cafreg::make_error(errc::bad_path,
                              "path " + to_string(where) + ": deeper than "
                                + std::to_string(max_state_depth) + " levels");
  return {};
}

// -- loading ------------------------------------------------------------------

/// Returns what is wrong with a file of which not even the length is right, or
/// an empty text.
std::string_view check_begin(std::string_view text) {
  if (text.empty())
    return "it is torn: it is empty";
  if (text.size() < begin_of_header.size() && begin_of_header.starts_with(text))
    return "it is torn: it ends in its first line";
  if (!text.starts_with(begin_of_header))
    return "it is no file of cafreg";
  text.remove_prefix(begin_of_header.size());
  auto end = text.find(',');
  if (end != std::string_view::npos && text.substr(0, end) != format)
    return "it has another format than this version of cafreg reads, which is "
           "1";
  if (text.find('\n') == std::string_view::npos)
    return "it is torn: it ends in its first line";
  return {};
}

/// Returns how many bytes a header says that its body has.
size_t said_size(std::string_view text) {
  constexpr std::string_view name = "\"bytes\": ";
  size_t result = 0;
  if (auto at = text.find(name); at != std::string_view::npos)
    for (at += name.size(); at < text.size(); ++at) {
      if (text[at] < '0' || text[at] > '9' || result > max_state_size)
        break;
      result = 10 * result + static_cast<size_t>(text[at] - '0');
    }
  return result;
}

/// Returns what is wrong with a file, or an empty text.
std::string check(std::string_view text) {
  if (auto problem = check_begin(text); !problem.empty())
    return std::string{problem};
  auto end = text.find('\n', begin_of_header.size()) + 1;
  auto body = text.substr(end);
  if (text.substr(0, end) == header(body))
    return {};
  if (auto size = said_size(text.substr(0, end)); body.size() < size)
    return "it is torn: of " + std::to_string(size)
           + " bytes after the first line it has "
           + std::to_string(body.size());
  return "it is damaged, or was edited: its checksum is another";
}

/// Moves the leaves out of a tree of dictionaries.
void take_leaves(value::dictionary& tree, std::vector<std::string>& keys,
                 state_leaves& out) {
  // As deep as the parser lets it be, hence no danger to the stack.
  for (auto& [key, x] : tree) {
    keys.push_back(key);
    if (auto* branch = caf::get_if<value::dictionary>(&x))
      take_leaves(*branch, keys, out);
    else
      out.emplace_back(path(keys), std::move(x));
    keys.pop_back();
  }
}

} // namespace

caf::error save_state(const std::string& file, const state_leaves& leaves,
                      size_t limit) {
  value::dictionary tree;
  for (auto& [where, leaf] : leaves) {
    if (auto err = check_depth(where, leaf); failed(err))
      return err;
    if (!add_leaf(tree, where, leaf))
      return cafreg::make_error(errc::path_conflict,
                                "path " + to_string(where)
                                  + ": in the way of another leaf");
  }
  value::dictionary root;
  root.container().emplace(leaves_key, value{std::move(tree)});
  auto body = to_json(value{std::move(root)}, 2);
  body.erase(0, begin_of_json.size());
  body += '\n';
  auto text = header(body) + body;
  if (text.size() > limit)
    return bad_file("file " + file + ": cannot write it: it would have "
                    + std::to_string(text.size()) + " bytes, more than "
                    + std::to_string(limit));
  if (auto problem = write_file(file, text))
    return bad_file(problem.text());
  return {};
}

caf::expected<std::optional<state_leaves>> load_state(const std::string& file,
                                                      size_t limit) {
  remove_leftovers(file);
  std::optional<std::string> text;
  if (auto problem = read_file(file, limit, text))
    return failure(bad_file(problem.text()));
  if (!text)
    return std::optional<state_leaves>{};
  if (auto problem = check(*text); !problem.empty())
    return failure(refused_file(file, problem));
  // Two levels more: the document and the root of the tree.
  auto document = from_json(*text, max_state_depth + 2);
  if (!document)
    return failure(refused_file(file, cafreg::to_text(document.error())));
  text.reset();
  state_leaves result;
  std::vector<std::string> keys;
  if (auto* root = caf::get_if<value::dictionary>(&*document))
    if (auto pos = root->container().find(std::string{leaves_key});
        pos != root->container().end())
      if (auto* tree = caf::get_if<value::dictionary>(&pos->second)) {
        take_leaves(*tree, keys, result);
        return std::optional<state_leaves>{std::move(result)};
      }
  return failure(
    refused_file(file, "it has no leaves, though its checksum is right"));
}

caf::expected<std::string> keep_aside(const std::string& file) {
  std::string new_name;
  if (auto problem = set_file_aside(file, new_name))
    return failure(bad_file(problem.text()));
  return new_name;
}

} // namespace cafreg::detail
