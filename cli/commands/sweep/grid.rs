//! All combinations of the parameters' values.

use super::parameter::Parameter;

/// The points of a sweep: every value of the first parameter with every value of the second, and so on; the last
/// changes fastest.
#[derive(Clone, Debug)]
pub(crate) struct Grid(Vec<Parameter>);

impl Grid {
    pub(crate) fn new(parameters: Vec<Parameter>) -> Self {
        Self(parameters)
    }

    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.0
    }

    /// How many points there are.
    pub(crate) fn len(&self) -> usize {
        let counts = self.0.iter().map(|parameter| parameter.values.len());
        counts.fold(1, usize::saturating_mul)
    }

    /// The values at a point, in the parameters' order.
    pub(crate) fn values(&self, point: usize) -> Vec<&str> {
        let mut rest = point;
        let mut values: Vec<&str> = (self.0.iter().rev())
            .map(|parameter| {
                let count = parameter.values.len();
                let value = &parameter.values[rest % count];
                rest /= count;
                value.as_str()
            })
            .collect();
        values.reverse();
        values
    }

    /// Paths and values at a point.
    pub(crate) fn assignments(&self, point: usize) -> impl Iterator<Item = (&str, &str)> {
        let paths = self.0.iter().map(|parameter| parameter.path.as_str());
        paths.zip(self.values(point))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_parameter_changes_fastest() {
        let parameters = ["a=1,2", "b=x,y,z"].map(|text| Parameter::parse(text).expect("valid"));
        let grid = Grid::new(parameters.to_vec());
        let points: Vec<String> = (0..grid.len()).map(|p| grid.values(p).concat()).collect();
        assert_eq!(points, ["1x", "1y", "1z", "2x", "2y", "2z"]);
        assert_eq!(Grid::new(Vec::new()).len(), 1);
    }
}
