// This file is part of cafreg, process registries for the C++ Actor Framework.
// Distributed under the terms of the BSD 3-Clause License, see LICENSE.

#include "cafreg/transaction.hpp"

#include <stdexcept>

#include "cafreg/detail/sys_core.hpp"

namespace cafreg {

transaction::transaction(std::shared_ptr<detail::sys_core> core, any_actor who,
                         transaction_options how)
  : core_(std::move(core)), how_(std::move(how)) {
  if (who.get() != nullptr)
    who_ = detail::add_reference(who.get());
}

transaction& transaction::update(path where, values what) {
  auto err = core_->add_update(steps_, std::move(where), std::move(what));
  if (detail::failed(err) && !detail::failed(problem_))
    problem_ = std::move(err);
  return *this;
}

transaction& transaction::remove(path where) {
  detail::step next;
  next.what = detail::step::kind::remove;
  next.where = std::move(where);
  return add(std::move(next));
}

transaction& transaction::remove(const path& where,
                                 std::initializer_list<std::string_view> keys) {
  for (auto key : keys)
    remove(where / key);
  return *this;
}

transaction& transaction::remove_all() {
  detail::step next;
  next.what = detail::step::kind::remove_all;
  return add(std::move(next));
}

transaction& transaction::move(path from, path to) {
  detail::step next;
  next.what = detail::step::kind::move;
  next.where = std::move(from);
  next.to = std::move(to);
  return add(std::move(next));
}

caf::expected<delta> transaction::commit() {
  auto steps = std::exchange(steps_, {});
  if (auto problem = std::exchange(problem_, {}); detail::failed(problem))
    return detail::failure(std::move(problem));
  return core_->commit(who_.get(), how_.priority, steps);
}

caf::config_value transaction::checked(values x) {
  if (!x.valid())
    throw std::out_of_range{
      "a number or duration that is too large for 64 bits with a sign"};
  return std::move(x).get();
}

transaction& transaction::add(detail::step next) {
  steps_.push_back(std::move(next));
  return *this;
}

} // namespace cafreg
