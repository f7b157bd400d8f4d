package org.simplepush.client;

import org.jspecify.annotations.Nullable;

/** Volatile, because successive clients have different threads. */
final class InMemoryDeviceStorage implements DeviceStorage {
  private volatile @Nullable String state;

  @Override
  public @Nullable String load() {
    return state;
  }

  @Override
  public void save(String state) {
    this.state = state;
  }
}
