package org.simplepush.examples.standalone;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The signals that tell a service to stop. Without a handler the JVM ends with an exit code that
 * says it was killed, which service managers report as a failure.
 */
final class StopSignals {
  private static final Logger log = LoggerFactory.getLogger(StopSignals.class);

  private StopSignals() {}

  /** Runs an action at these signals; the JVM runs its shutdown hooks after that. */
  static void handle(Runnable stop) {
    for (String name : new String[] {"TERM", "INT"}) {
      try {
        handle(name, stop);
      } catch (ReflectiveOperationException e) {
        log.warn("SIG{} ends the process with an exit code other than 0: {}", name, e.toString());
      }
    }
  }

  /**
   * By reflection: javac warns of {@code sun.misc.Signal}, and the warning cannot be suppressed.
   */
  private static void handle(String name, Runnable stop) throws ReflectiveOperationException {
    Class<?> signalType = Class.forName("sun.misc.Signal");
    Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
    Object signal = signalType.getConstructor(String.class).newInstance(name);
    Object handler =
        Proxy.newProxyInstance(
            StopSignals.class.getClassLoader(),
            new Class<?>[] {handlerType},
            (proxy, method, arguments) -> {
              if (method.getName().equals("handle")) {
                stop.run();
              }
              return null;
            });
    Object before = register(signalType, handlerType, signal, handler);
    Object ignored = handlerType.getField("SIG_IGN").get(null);
    if (before == ignored) {
      register(signalType, handlerType, signal, ignored); // in the background, Ctrl-C is for others
    }
  }

  private static Object register(
      Class<?> signalType, Class<?> handlerType, Object signal, Object handler)
      throws ReflectiveOperationException {
    try {
      return signalType.getMethod("handle", signalType, handlerType).invoke(null, signal, handler);
    } catch (InvocationTargetException e) {
      // Refused with -Xrs, which leaves signals to the program that started the JVM.
      throw new ReflectiveOperationException(e.getCause());
    }
  }
}
