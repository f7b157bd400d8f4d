package org.simplepush.core;

import java.util.List;

/** The store of the tests keeps the contract of all shared stores. */
class SharedMemoryStoreTest extends SharedVersionStoreContract {
  @Override
  protected List<SharedVersionStore> newStores() {
    SharedVersionStore store = new SharedMemoryStore(new InMemoryVersionStore(), Runnable::run);
    return List.of(store, store);
  }

  @Override
  protected int randomSteps() {
    return 20_000;
  }
}
