package org.simplepush.server;

import java.util.List;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.server.fixtures.SharedMemoryStore;
import org.simplepush.server.fixtures.SharedVersionStoreContract;

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
