package org.simplepush.client;

import java.lang.reflect.InvocationTargetException;
import org.jspecify.annotations.Nullable;

/**
 * Starts an installed application that is not running when a message waits for it.
 *
 * <p>Called on the client's callback executor, for one application not twice at the same time. If
 * it throws, or the application is not attached soon after, it is called again, after breaks that
 * grow to 5 minutes. The message waits until then; a newer version takes its place.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface ApplicationLauncher {
  /**
   * Starts an application.
   *
   * @param application what it asks the device with
   * @param manifest with which it was installed
   * @return its handler, with what else that implements, which stays attached until {@link
   *     PushManager#detach}; or null if the application will attach itself by {@link
   *     PushClient#application}
   * @throws Exception if it could not be started now
   */
  @Nullable PushHandler launch(PushManager application, ApplicationManifest manifest)
      throws Exception;

  /**
   * Returns a launcher that makes an object of the class that the manifest names as handler: a
   * public {@link PushHandler} with a public constructor that takes a {@link PushManager}, found by
   * this class loader.
   */
  static ApplicationLauncher inProcess(ClassLoader loader) {
    return (application, manifest) -> {
      Class<? extends PushHandler> handler =
          Class.forName(manifest.handler(), true, loader).asSubclass(PushHandler.class);
      try {
        return handler.getConstructor(PushManager.class).newInstance(application);
      } catch (InvocationTargetException e) {
        throw e.getCause() instanceof Exception cause ? cause : e;
      }
    };
  }
}
