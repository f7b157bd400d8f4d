package org.simplepush.client.internal.run;

/** Knows whether the current thread is inside a handler, which cannot wait for itself to return. */
public final class HandlerThread {
  private static final ThreadLocal<Integer> depth = ThreadLocal.withInitial(() -> 0);

  private HandlerThread() {}

  public static void enter() {
    depth.set(depth.get() + 1);
  }

  public static void leave() {
    if (depth.get() == 1) {
      depth.remove();
    } else {
      depth.set(depth.get() - 1);
    }
  }

  public static boolean isCurrent() {
    return depth.get() > 0;
  }
}
