package org.simplepush.server.internal;

/**
 * A library that only some users of the server need. If it is missing or of another version, the
 * JVM says so with an error that names a class or a method; this says it in a sentence that names
 * the artifacts.
 *
 * <p>Catch the error where a class that uses the library is first used, and keep the library out of
 * the class that catches: the JVM may look for it before it runs the first line.
 *
 * @param user what needs it, as its users call it
 * @param version which versions work, with the library's name
 * @param artifacts group and artifact ids, as to be written into a build
 * @param bootProperty the property that sets its version in a build that Spring Boot manages
 */
public record OptionalDependency(
    String user, String version, String artifacts, String bootProperty) {

  /**
   * Says what is needed, and what was missed.
   *
   * @param error a {@link LinkageError} of the JVM, or the library's own
   * @return a sentence for the exception to be thrown instead
   */
  public String sentence(Throwable error) {
    String missed =
        error instanceof NoClassDefFoundError
            ? "the class " + error.getMessage() + " is missing"
            : "what is there does not do: " + error.getMessage();
    return "%s needs %s: add %s, or set %s if Spring Boot manages it (%s)"
        .formatted(user, version, artifacts, bootProperty, missed);
  }
}
